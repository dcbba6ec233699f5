"""A log as it is published over HTTP (c2sp.org/tlog-tiles), by a service or by a mirror of its files."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

import httpx

from client.problem import UnreachableError, raise_for_problem

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
        self, url: str, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`url` is where `checkpoint` lies, such as https://sigillo.example/ledger. Redirects are not followed."""
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        # Packed answers would be unpacked before anybody asks how large they are.
        plain = {"accept-encoding": "identity"}
        self._http = httpx.Client(base_url=url.rstrip("/") + "/", timeout=timeout, headers=plain)
        self._sleep, self._clock = sleep, clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def __call__(self, path: str) -> bytes | None:
        """The file; None where there is none. Raises Problem, UnreachableError."""
        until = self._clock() + FILE_SECONDS
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
            with self._http.stream("GET", path) as response:
                data = b""
                for piece in response.iter_raw():
                    data += piece
                    if self._clock() >= until:
                        raise UnreachableError(f"{response.url} takes longer than {FILE_SECONDS} s")
                    if len(data) > MAX_BYTES:
                        raise UnreachableError(f"{response.url} has more than {MAX_BYTES} bytes: it is no log")
                return httpx.Response(response.status_code, headers=_plain(response.headers), content=data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(f"{self._http.base_url} does not answer: {error}") from error


def _wait(response: httpx.Response) -> float:
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 1.0
    return min(max(asked, 0.1), LONGEST_WAIT_SECONDS)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Without those of a transfer that is over."""
    return {name: headers[name] for name in ("content-type", "retry-after") if name in headers}
