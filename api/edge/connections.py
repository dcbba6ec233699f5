"""What a connection may send beside bodies, and how many there may be: uvicorn keeps headers of any size, any number of
pipelined requests and any number of connections. Bodies are bounded in `api.edge.body`.

Rules
- Every upload has a connection, a memory file and, signed, another: connections take a quarter of the descriptors that
  this process may have, so that none of the rest runs out of them. Files that come together count for theirs in the
  memory that uploads may hold (`api.edge.tray`).
- Whoever comes beyond that is told to come back, and beyond twice that cut off. Our own socket is always open.
"""

from __future__ import annotations

import asyncio
import resource
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.edge.problem import PROBLEMS, answer
from api.edge.throttle import ConnectionsBusyError

MAX_HEAD_BYTES = 64 * 1024
"""What a request line and headers, or the trailers of a chunked body, may take; what one read brings may come atop."""

MAX_PIPELINED = 16
"""Requests that one connection may send ahead of their answers; a read full of them takes a hundred times its size."""

MAX_CONNECTIONS = 2_000
"""From the network, where the system grants descriptors enough."""


def most_connections() -> int:
    """Take all the descriptors that the system grants, and say how many connections they are good for."""
    _, granted = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, granted))
    return MAX_CONNECTIONS if granted == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, granted // 4)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, ending a connection that goes on and on without a byte of body or the end of a request,
    sends requests without waiting for answers, or is one too many.
    """

    _idle_bytes = 0
    """Received since the last piece of body or end of a request: all that the parser can be keeping."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As in HttpToolsProtocol, but whoever is refused gets a problem."""
        super().connection_made(transport)
        most, self.limit_concurrency = self.limit_concurrency, None  # uvicorn's own words would be plain text
        if most is None or transport.get_extra_info("socket").family == socket.AF_UNIX:
            return
        if len(self.connections) > 2 * most:
            transport.abort()
        elif len(self.connections) > most:
            self.app = answer(PROBLEMS[ConnectionsBusyError], str(ConnectionsBusyError()))

    def data_received(self, data: bytes) -> None:
        """As in HttpToolsProtocol."""
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"Send at most {MAX_HEAD_BYTES} bytes of request line and headers.")

    def on_message_begin(self) -> None:
        """As in HttpToolsProtocol."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("too many requests ahead of their answers")  # the parser stops: 400, and the end
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """As in HttpToolsProtocol, but nothing is upgraded here: uvicorn would read the body as the next request."""
        if self.parser.should_upgrade():
            raise ValueError("no other protocol is spoken here")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """As in HttpToolsProtocol."""
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """As in HttpToolsProtocol."""
        self._idle_bytes = 0
        super().on_message_complete()
