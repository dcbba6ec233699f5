"""An app on the network, under uvicorn. What connections may do is bounded in `api.edge.connections`."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.edge.connections import BoundedProtocol, most_connections
from api.running.home import StartError

BACKLOG = 256
GRACE_SECONDS = 30
"""How long a stopping server waits for requests under way."""


def serve_app(app: ASGIApp, host: str, port: int, up: Callable[[str], None]) -> None:
    """Serve an app on the network alone, until a signal says stop. Raises StartError when the port is taken."""
    with listening(host, port) as network:
        up(address(network))
        server_of(app, most_connections()).run(sockets=[network])


def address(listener: socket.socket) -> str:
    """Where it is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_of(app: ASGIApp, connections: int | None = None) -> uvicorn.Server:
    """A server that speaks the bounded protocol, with at most so many `connections` from the network."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            limit_concurrency=connections,
        )
    )


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on the network. Raises StartError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    port_at_fault = (errno.EADDRINUSE, errno.EACCES)
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            other = "--port" if error.errno in port_at_fault else "--host, an address of this machine"
            raise StartError(
                f"{host}:{port} cannot be listened on ({error.strerror}): choose another {other}"
            ) from error
        listener.listen(BACKLOG)
        yield listener
