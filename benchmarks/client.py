"""One client: a process that sends the same request again and again over one kept-alive connection.

It imports nothing but the standard library, writes a request once and reads no more of an answer than its length, so
that eight of them take little from the server they share the machine with. Orders come as lines of JSON on standard
input, each is answered with one line:
    {"port", "method", "path", "headers", "body": file name, "begin", "end"} → {"spans": […], "refused": text or null}
`spans` are pairs: when each request that was answered 2xx was sent, and when it was answered, from `begin` until the
first that is answered after `end`.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 600
READ_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"


def main() -> None:
    """Carry out orders until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        # One connection an order: the server closes those that rest between two.
        with socket.create_connection(("127.0.0.1", order["port"]), TIMEOUT_SECONDS) as connection:
            answer = _carry_out(order, connection)
        print(json.dumps(answer), flush=True)


def _carry_out(order: dict[str, Any], connection: socket.socket) -> dict[str, Any]:
    request, begin, end = _request(order), order["begin"], order["end"]
    spans: list[tuple[float, float]] = []
    now = time.monotonic()
    while now < end:
        started = now
        connection.sendall(request)
        status, body = _answer(connection)
        now = time.monotonic()
        if status // 100 != 2:
            return {"spans": spans, "refused": f"{status} {body[:500].decode('utf-8', 'replace')}"}
        if now > begin:
            spans.append((started, now))
    return {"spans": spans, "refused": None}


def _request(order: dict[str, Any]) -> bytes:
    body = Path(order["body"]).read_bytes()
    headers = {"Host": f"127.0.0.1:{order['port']}", "Content-Length": len(body), **order["headers"]}
    lines = [f"{order['method']} {order['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + HEAD_END + body


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of an answer that says its length, as all of ours do."""
    received = b""
    while HEAD_END not in received:
        received += _read(connection)
    head, _, body = received.partition(HEAD_END)
    status_line, *headers = head.lower().split(b"\r\n")
    (length,) = (int(line.partition(b":")[2]) for line in headers if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _read(connection)
    return int(status_line.split()[1]), body


def _read(connection: socket.socket) -> bytes:
    if not (data := connection.recv(READ_BYTES)):
        raise ConnectionError("the server closed the connection before it had answered")
    return data


if __name__ == "__main__":
    main()
