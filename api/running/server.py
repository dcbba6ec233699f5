"""Running the app under uvicorn: in the foreground on a port and the home's socket, or in a thread on the socket.

Rules
- Sockets are bound before the home folder is announced, so whoever reads `server.json` can connect.
- What connections may do is bounded in `api.edge.connections`, their bodies in `api.edge.body`.
"""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from api.app import create_app
from api.composition import open_service
from api.edge.connections import most_connections
from api.edge.listening import BACKLOG, address, listening, server_of
from api.running.home import FILE_MODE, Holder, Home, StartError
from api.service import Service
from api.settings import Settings
from detection.allocation import keep_freed

START_SECONDS = 30


def run(settings: Settings, home: Home, holder: Holder, up: Callable[[str], None]) -> None:
    """Serve until a signal says stop; `up` is told the address once everything runs.

    Raises StartError when the port is taken, IsolationUnavailableError, SandboxUnavailableError, and as `open_service`.
    """
    keep_freed()
    with (
        listening(settings.host, settings.port) as network,
        _on_socket(holder) as local,
        open_service(settings, home, holder.token) as service,
    ):
        service.intake.workers.start()  # a kernel that cannot isolate them is refused now, and no upload waits for them
        home.announce(holder)
        up(address(network))
        server = server_of(create_app(service), most_connections())
        gc.freeze()  # all this stays: to look for garbage among it takes a fifth of a second, in which nobody is served
        server.run(sockets=[network, local])


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
        server = server_of(create_app(service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [local]}, name="server")
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield
        finally:
            server.should_exit = True
            thread.join()


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
