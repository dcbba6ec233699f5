"""Running the app under uvicorn: in the foreground on a port and the home's socket, or in a thread on the socket.

Rules
- Sockets are bound before the home folder is announced, so whoever reads `server.json` can connect.
- What connections may do is bounded in `api.connections`, their bodies in `api.body`.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.connections import BoundedProtocol, most_connections
from api.home import FILE_MODE, Holder, Home, StartError
from api.service import Service, open_service
from api.settings import Settings

BACKLOG = 256
GRACE_SECONDS = 30
"""How long a stopping server waits for requests under way."""

START_SECONDS = 30


def run(settings: Settings, home: Home, holder: Holder, up: Callable[[str], None]) -> None:
    """Serve until a signal says stop; `up` is told the address once everything runs.

    Raises StartError when the port is taken, and as `open_service`.
    """
    with (
        _listening(settings.host, settings.port) as network,
        _on_socket(holder) as local,
        open_service(settings, home, holder.token) as service,
    ):
        home.announce(holder)
        up(_address(network))
        _server(create_app(service), most_connections()).run(sockets=[network, local])


def serve_app(app: ASGIApp, host: str, port: int, up: Callable[[str], None]) -> None:
    """Serve an app on the network alone, until a signal says stop. Raises StartError when the port is taken."""
    with _listening(host, port) as network:
        up(_address(network))
        _server(app, most_connections()).run(sockets=[network])


@contextmanager
def in_background(settings: Settings, home: Home, holder: Holder) -> Iterator[None]:
    """Serve on the Unix socket alone while the block runs. Raises StartError, and as `open_service`."""
    with open_service(settings, home, holder.token) as service, serving(service, holder):
        home.announce(holder)
        yield


@contextmanager
def serving(service: Service, holder: Holder) -> Iterator[None]:
    """Serve a service that is open already, in a thread on the Unix socket. Raises StartError."""
    with _on_socket(holder) as local:
        server = _server(create_app(service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [local]}, name="server")
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield
        finally:
            server.should_exit = True
            thread.join()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: ASGIApp, connections: int | None = None) -> uvicorn.Server:
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
def _listening(host: str, port: int) -> Iterator[socket.socket]:
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


@contextmanager
def _on_socket(holder: Holder) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(0o777 - FILE_MODE)
        try:
            listener.bind(str(holder.socket))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        yield listener


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StartError("the private server did not start")
        time.sleep(0.005)
