"""RFC 3161 time-stamps from outside: who is asked for them, in which order, and for how long.

Rules
- What leaves the house is a SHA-256, of a claim's signature or of a checkpoint, and a random nonce: nothing of a file.
- An answer may have been forged on its way, so it is not parsed here: a worker verifies it before it is used
  (`provenance.stamping`). That is also why plain http will do: an answer is signed.
- Authorities are asked in the operator's order, without holding a worker. One that failed FAILURES times in a row is
  left alone for REST_SECONDS; then one request tries it again.
- An answer has its time, whole, its size, and comes from where it was asked for: no redirect, no proxy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from anyio import fail_after
from anyio.from_thread import start_blocking_portal
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from detection.errors import JobFailedError, WorkerError
from keys.web_trust import web_trust
from provenance.errors import TimeStampRefusedError, TimeStampUnavailableError

ANSWER_SECONDS: Final = 5.0
"""How long one authority has, by default: most answer within half a second."""

MAX_ANSWER_BYTES: Final = 32 * 1024
"""c2pa-rs leaves room for 10,000 bytes; a token with a long chain takes seven thousand."""

FAILURES: Final = 3
REST_SECONDS: Final = 30.0

HEADERS: Final = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"}
"""RFC 3161, section 3.4; and no compression, so that a small answer cannot become a large one."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Answer:
    """What an authority sent, unread."""

    response: bytes
    nonce: int
    """What was asked with."""


class Authority:
    """One time-stamp authority, and how it has been doing. Safe to use from many threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = urlsplit(url).netloc
        self._lock = threading.Lock()
        # Under the lock.
        self._failures = 0
        self._rests_until = 0.0
        self.fault = ""
        """What it failed of last; empty since it did not. Whole whenever it is read."""

    def admit(self, now: float) -> bool:
        """Whether to ask it now; of those that come after a rest, the first alone."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            if self.rests(now):
                return False
            self._rests_until = now + REST_SECONDS
            return True

    def note(self, now: float, fault: str = "") -> None:
        """How it went: what it failed of, or nothing."""
        with self._lock:
            self._failures = self._failures + 1 if fault else 0
            self._rests_until = now + REST_SECONDS
            self.fault = fault

    def rests(self, now: float) -> bool:
        """Whether it is left alone."""
        return self._failures >= FAILURES and now < self._rests_until


class TimeStamps:
    """Asks time-stamp authorities. Use it as a context; it then runs one thread for all that is asked."""

    def __init__(
        self,
        urls: Iterable[str],
        *,
        required: bool,
        seconds: float = ANSWER_SECONDS,
        notice: Callable[[str, str], object] = lambda _name, _reason: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`required`: without a time-stamp nothing is signed. `notice` is told of each failure: of whom, and why."""
        self.authorities = tuple(map(Authority, urls))
        self._required, self._seconds, self._notice, self._timer = required, seconds, notice, timer

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            self._client = stack.enter_context(self._portal.wrap_async_context_manager(_client()))
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def reason(self) -> str:
        """Why nothing is signed for want of a time-stamp; empty while it is, or would be tried."""
        now = self._timer()
        if not self._required or not all(authority.rests(now) for authority in self.authorities):
            return ""
        return f"no time-stamp authority answers as it should: {', '.join(one.name for one in self.authorities)}"

    def obtain(self, message: bytes, use: Callable[[Answer], Made]) -> Made | None:
        """What `use` makes of the first answer that it takes; None when there is none and none is required.

        `message` is what to time-stamp. `use` raises TimeStampRefusedError for an answer that will not do. A worker may
        die of an answer as well as of the file: the next authority is asked then, but the first is not held to have
        failed, or one uploader could have all of them left alone. Raises TimeStampUnavailableError.
        """
        faults = []
        for authority in self.authorities:
            if not authority.admit(self._timer()):
                faults.append(f"{authority.name} failed before and is left alone for a while")
                continue
            try:
                made = use(self._ask(authority, message))
            except (TimeStampRefusedError, JobFailedError, WorkerError) as error:
                if isinstance(error, TimeStampRefusedError):
                    authority.note(self._timer(), str(error))
                self._notice(authority.name, str(error))
                faults.append(f"{authority.name}: {error}")
            else:
                authority.note(self._timer())
                return made
        if self._required:
            raise TimeStampUnavailableError("; ".join(faults))
        return None

    def _ask(self, authority: Authority, message: bytes) -> Answer:
        """Raises TimeStampRefusedError."""
        builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        assert request.nonce is not None  # it was asked for
        try:
            response = self._portal.call(self._fetch, authority.url, request.as_bytes())
        except TimeoutError as error:
            raise TimeStampRefusedError(f"no answer within {self._seconds:g} s") from error
        except httpx.HTTPError as error:
            raise TimeStampRefusedError(f"no answer ({type(error).__name__})") from error
        return Answer(response, request.nonce)

    async def _fetch(self, url: str, request: bytes) -> bytes:
        received = b""
        with fail_after(self._seconds):
            async with self._client.stream("POST", url, content=request, headers=HEADERS) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise TimeStampRefusedError(f"it answers with HTTP status {answer.status_code}")
                async for chunk in answer.aiter_raw():
                    received += chunk
                    if len(received) > MAX_ANSWER_BYTES:
                        raise TimeStampRefusedError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
        return received


def _client() -> httpx.AsyncClient:
    # A connection kept alive may be closed by the other end just as it is used again: that would be a failure.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(verify=web_trust(), follow_redirects=False, trust_env=False, limits=limits, timeout=None)  # noqa: S113 (fail_after)
