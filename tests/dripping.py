"""A server that never ends its answer, and never keeps one waiting for long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PAUSE: Final = 0.02
DRIPS: Final = {
    "of its headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "of interim answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "of what was asked for": (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"),
}


@contextmanager
def dripping(first: bytes, bit: bytes) -> Iterator[str]:
    """Answers one request with `first`, then with `bit` again and again; the address."""
    over = threading.Event()

    def answer(server: socket.socket) -> None:
        with server.accept()[0] as caller:
            caller.recv(65_536)
            try:
                caller.sendall(first)
                while not over.wait(PAUSE):
                    caller.sendall(bit)
            except ConnectionError:  # the caller had enough
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
