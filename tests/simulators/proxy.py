"""A network between us and a real server: one TCP proxy that passes on, delays, or swallows what comes back."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """`with Proxy(url) as proxy:`: speak to `proxy.url`; requests always reach the server, answers as it pleases."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname or "", address.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        """Connections so far."""

        self.requests = 0
        """Pieces that came from the client so far: one a request."""

        self.delay = 0.0
        """Seconds by which each piece of an answer is late."""

        self.swallow = 0
        """How many of the next pieces of answers never arrive; the connection stays open."""

        self._done = threading.Event()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._listener.close()
        for end in self._open:
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                threading.Thread(target=self._forth, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(65536):
                self.requests += 1
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(65536):
                if self.swallow:
                    self.swallow -= 1
                    continue
                self._done.wait(self.delay)
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
