"""A log as it is published over HTTP (c2sp.org/tlog-tiles), by a service or by a mirror of its files.

Rules
- A file has its time, whole, its size, and comes from where it was asked for: no redirect. Of a server that drips
  headers or interim answers a limit for each read sees nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

import httpx
from anyio import fail_after
from anyio.from_thread import start_blocking_portal

from sigillo_client.problem import UnreachableError, raise_for_problem

CONNECT_SECONDS = 5
READ_SECONDS = 30
MAX_BYTES = 1024 * 1024
"""Of one file: four times the largest bundle of our entries."""

FILE_SECONDS = 300
"""For one file, however slowly it comes and however often the server says that it is too much."""

LONGEST_WAIT_SECONDS = 60.0
_LATER = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})


class PublishedLog:
    """Reads files by their path below one address. Use it as a context manager; call it with a path."""

    def __init__(
        self,
        url: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = FILE_SECONDS,
    ) -> None:
        """`url` is where `checkpoint` lies, such as https://sigillo.example/ledger; each file has so many `seconds`."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        # Packed answers would be unpacked before anybody asks how large they are.
        plain = {"accept-encoding": "identity"}
        self._http = httpx.AsyncClient(base_url=url.rstrip("/") + "/", timeout=timeout, headers=plain)
        self._sleep, self._clock, self._seconds = sleep, clock, seconds

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._http))
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def __call__(self, path: str) -> bytes | None:
        """The file; None where there is none. Raises Problem, UnreachableError."""
        until = self._clock() + self._seconds
        while (response := self._get(path, until)).status_code in _LATER:
            pause = _wait(response)
            if self._clock() + pause >= until:
                break
            self._sleep(pause)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        raise_for_problem(response)
        return response.content

    def _get(self, path: str, until: float) -> httpx.Response:
        try:
            return self._portal.call(self._fetch, path, until - self._clock())
        except TimeoutError as error:
            raise UnreachableError(f"{self._http.base_url}{path} takes longer than {self._seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(f"{self._http.base_url} does not answer: {error}") from error

    async def _fetch(self, path: str, seconds: float) -> httpx.Response:
        data = bytearray()
        with fail_after(seconds):
            async with self._http.stream("GET", path) as response:
                async for piece in response.aiter_raw():
                    data += piece
                    if len(data) > MAX_BYTES:
                        raise UnreachableError(f"{response.url} has more than {MAX_BYTES} bytes: it is no log")
        return httpx.Response(response.status_code, headers=_plain(response.headers), content=bytes(data))


def _wait(response: httpx.Response) -> float:
    try:
        asked = int(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 1
    return min(max(asked, 0.1), LONGEST_WAIT_SECONDS)


def _plain(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """Without those of a transfer that is over."""
    return [(name, value) for name, value in headers.raw if name.lower() in (b"content-type", b"retry-after")]
