"""One client: a process that sends the same request again and again over one kept-alive connection.

It imports nothing but the standard library and encodes nothing, so that eight of them take little from the server
they share the machine with. Orders come as lines of JSON on standard input, each is answered with one line:
    {"port", "method", "path", "headers", "body": file name, "begin", "end"} → {"seconds": […], "refused": text or null}
`seconds` are the durations of the requests that were answered 2xx between `begin` and `end`.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 60


def main() -> None:
    """Carry out orders until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        # One connection an order: the server closes those that rest between two.
        with closing(http.client.HTTPConnection("127.0.0.1", order["port"], timeout=TIMEOUT_SECONDS)) as connection:
            answer = _carry_out(order, connection)
        print(json.dumps(answer), flush=True)


def _carry_out(order: dict[str, Any], connection: http.client.HTTPConnection) -> dict[str, Any]:
    body, begin, end = Path(order["body"]).read_bytes(), order["begin"], order["end"]
    seconds: list[float] = []
    now = time.monotonic()
    while now < end:
        started = now
        connection.request(order["method"], order["path"], body, order["headers"])
        with connection.getresponse() as response:
            answer = response.read()
        now = time.monotonic()
        if response.status // 100 != 2:
            return {"seconds": seconds, "refused": f"{response.status} {answer[:500].decode('utf-8', 'replace')}"}
        if begin <= now < end:
            seconds.append(now - started)
    return {"seconds": seconds, "refused": None}


if __name__ == "__main__":
    main()
