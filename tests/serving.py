"""A deployment that is up, on a port of the network, too: for browsers, and for tools that speak no Unix socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

from api.app import create_app
from api.listening import server_of
from tests.deployment import Running
from tests.waiting import until


@contextmanager
def served(up: Running, listener: socket) -> Iterator[None]:
    """While the block lasts."""
    server = server_of(create_app(up.service))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join()
