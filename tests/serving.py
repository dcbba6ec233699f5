"""A deployment that is up, on a port of the network, too: for browsers, and for tools that speak no Unix socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket

import httpx

from api.app import create_app
from api.edge.listening import address, listening, server_of
from tests.api.wire import PATIENCE
from tests.deployment import NO_TLS, Running
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


@contextmanager
def on_the_network(up: Running) -> Iterator[Callable[..., httpx.Client]]:
    """Makes clients that reach the deployment as strangers do, with a token or none; close them."""
    with listening("127.0.0.1", 0) as listener, served(up, listener):

        def client(token: str = "") -> httpx.Client:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return httpx.Client(verify=NO_TLS, base_url=address(listener), headers=headers, timeout=PATIENCE)

        yield client
