"""Fetching what a stranger's document names, from the open web and from nowhere else.

Rules
- `https://` and a name: no address in any spelling, no user, no fragment. Nothing is followed, no proxy is asked.
- A name is resolved once. Every address it has must lie in the open (`api.outside.public_address`), and the connection
  goes to one of those: a name that means something else a moment later (DNS rebinding) changes nothing. The certificate
  must be for the name.
- An answer has its time, whole: name, connection, dripped headers, body. It has its size, its kind, and no compression,
  in which a small answer could be a large one.
- Whoever asked is told that it cannot be had, and not why: our network is not for strangers to explore.
- For development `http://` on this machine can be let in (`SIGILLO_FETCH_LOOPBACK`), in the embedded profile alone.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread
import httpx

from api.outside.public_address import is_public
from keys.web_trust import web_trust

ANSWER_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 2.0
"""To each address, so that one that is silent leaves time for another."""

MAX_ADDRESSES: Final = 3
"""That are tried."""

MAX_URL: Final = 2048
MAX_PORT: Final = 65_535
MAX_AT_ONCE: Final = 16
"""Fetches under way; whoever comes then is told that it cannot be had now."""

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = rf"(?=.{{1,253}}([:/]))({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
"""Two labels or more, the last of which begins with a letter: no address can be written so."""

_REST: Final = r"(:(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[!$&-;=?-Z_a-z~%]*)"
"""Port; path and query, of the signs that RFC 3986 has for them, without a fragment."""

_PUBLIC: Final = re.compile(rf"https://(?P<host>{_NAME}){_REST}")
_LOOPBACK: Final = re.compile(rf"http://(?P<host>127\.0\.0\.1|localhost|\[::1\]){_REST}")
_ADDRESS_HERE: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}

Resolve = Callable[[str, int], Sequence[str]]
"""From a name and a port to its addresses. Raises OSError."""


class FetchError(Exception):
    """It cannot be had; the sentence is for our log, and names nobody.

    FetchError
    ├── FetchRefusedError       it lies where nothing is fetched from
    └── FetchFailedError        it did not come, or not as it should
    """


class FetchRefusedError(FetchError):
    """It lies where nothing is fetched from."""


class FetchFailedError(FetchError):
    """It did not come, or not as it should; `status` is that of HTTP, where it was answered with another than 200."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Wanted:
    """What will do for an answer."""

    kinds: frozenset[str]
    """Content types, lower case, without parameters."""

    max_bytes: int


@dataclass(frozen=True)
class Fetched:
    """What lies at a URL."""

    content: bytes
    kind: str
    max_age: int | None
    """Seconds for which its server says that it may be kept."""


@dataclass(frozen=True)
class _Sent:
    """What is sent; nothing, where something is only to be had."""

    method: str = "GET"
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class _Target:
    """A URL that was read."""

    host: str
    port: int
    path: str
    here: str = ""
    """The loopback address, where it lies on this machine."""

    def url(self, address: str) -> str:
        """The same with an address for its name."""
        literal = f"[{address}]" if ":" in address else address
        return f"{'http' if self.here else 'https'}://{literal}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """For the `Host` header."""
        usual = 80 if self.here else 443
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def addresses_of(name: str, port: int) -> Sequence[str]:
    """The system's resolver. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class OpenWeb:
    """Fetches from the open web. Safe to use from many threads."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        resolve: Resolve = addresses_of,
        takes: Callable[[str], bool] = is_public,
        seconds: float = ANSWER_SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`loopback` lets plain HTTP on this machine in; `takes` says of an address whether to connect to it."""
        self._loopback, self._resolve, self._takes, self._seconds = loopback, resolve, takes, seconds
        self._trust = trust
        self._turns = threading.BoundedSemaphore(MAX_AT_ONCE)

    def get(self, url: str, wanted: Wanted) -> Fetched:
        """What lies at a URL. Raises FetchRefusedError, FetchFailedError."""
        return self._ask(url, wanted, _Sent())

    def post(self, url: str, content: bytes, headers: Mapping[str, str], wanted: Wanted) -> Fetched:
        """What is answered there to this, which is sent once. Raises FetchRefusedError, FetchFailedError."""
        return self._ask(url, wanted, _Sent("POST", content, headers))

    def _ask(self, url: str, wanted: Wanted, sent: _Sent) -> Fetched:
        target = _target(url, self._loopback)
        if not self._turns.acquire(blocking=False):
            raise FetchFailedError(f"{MAX_AT_ONCE} fetches are under way")
        try:
            return anyio.run(self._fetch, target, wanted, sent)
        except TimeoutError as error:
            raise FetchFailedError(f"no answer within {self._seconds:g} s") from error
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            raise FetchFailedError(f"no answer ({type(error).__name__})") from error
        finally:
            self._turns.release()

    async def _fetch(self, target: _Target, wanted: Wanted, sent: _Sent) -> Fetched:
        headers = {"Host": target.authority, "Accept": ", ".join(sorted(wanted.kinds)), "Accept-Encoding": "identity"}
        patience = httpx.Timeout(None, connect=CONNECT_SECONDS)  # the rest of it is fail_after's
        client = httpx.AsyncClient(
            verify=self._trust or web_trust(),
            follow_redirects=False,
            trust_env=False,
            timeout=patience,
            headers=headers,
        )
        with anyio.fail_after(self._seconds):
            addresses = await self._addresses(target)
            async with client:
                for last, address in enumerate(addresses, start=1):
                    try:
                        return await _ask(client, target, address, wanted, sent)
                    except (httpx.ConnectError, httpx.ConnectTimeout):
                        if last == len(addresses):
                            raise
        raise FetchFailedError("the name has no address")

    async def _addresses(self, target: _Target) -> Sequence[str]:
        """Raises FetchRefusedError where one of them does not lie in the open."""
        if target.here:
            return [target.here]
        # A slow name server keeps its thread, but nobody waiting.
        asked = partial(self._resolve, target.host, target.port)
        addresses = await anyio.to_thread.run_sync(asked, abandon_on_cancel=True)
        if not all(map(self._takes, addresses)):
            raise FetchRefusedError("the name leads to an address that does not lie in the open")
        return addresses[:MAX_ADDRESSES]


async def _ask(client: httpx.AsyncClient, target: _Target, address: str, wanted: Wanted, sent: _Sent) -> Fetched:
    received, named = bytearray(), {"sni_hostname": target.host}
    content: dict[str, Any] = {"content": sent.content, "headers": sent.headers, "extensions": named}
    async with client.stream(sent.method, target.url(address), **content) as answer:
        kind = _kind(answer, wanted)
        async for chunk in answer.aiter_raw():
            received += chunk
            if len(received) > wanted.max_bytes:
                raise FetchFailedError(f"longer than {wanted.max_bytes} bytes")
    return Fetched(bytes(received), kind, _max_age(answer.headers.get("cache-control", "")))


def _kind(answer: httpx.Response, wanted: Wanted) -> str:
    """The content type of an answer that will do. Raises FetchFailedError."""
    if answer.status_code != httpx.codes.OK:
        raise FetchFailedError(f"HTTP status {answer.status_code}", answer.status_code)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise FetchFailedError("compressed, though it was asked for plain")
    kind: str = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in wanted.kinds:
        raise FetchFailedError("of another content type than was asked for")
    return kind


def _max_age(directives: str) -> int | None:
    stated = [part.strip().lower() for part in directives.split(",")]
    if "no-store" in stated or "no-cache" in stated:
        return 0
    ages = [int(age) for name, _, age in (part.partition("=") for part in stated) if name == "max-age" and _digits(age)]
    return min(ages, default=None)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _target(url: str, loopback: bool) -> _Target:
    """Raises FetchRefusedError for what is no URL of the open web, nor, with `loopback`, of this machine."""
    if len(url) <= MAX_URL:
        for pattern in (_PUBLIC, _LOOPBACK) if loopback else (_PUBLIC,):
            if found := pattern.fullmatch(url):
                here = _ADDRESS_HERE.get(found["host"], "")
                port = int(found["port"] or (80 if here else 443))
                if port <= MAX_PORT:
                    return _Target(found["host"], port, found["path"], here)
    raise FetchRefusedError("not an https:// URL with a host name and a path")
