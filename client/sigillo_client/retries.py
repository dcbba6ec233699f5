"""When a request is sent again, and after how long.

Rules
- Only what may safely arrive twice: a method that is idempotent (RFC 9110, section 9.2.2), what has an
  Idempotency-Key, and files that are looked at and not kept.
- Only after an answer that says "later", or none at all. A refusal stands.
- A server's Retry-After is kept; otherwise the wait doubles, with full jitter: callers shall not come back together.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from sigillo_client.problem import retry_after

ATTEMPTS: Final = 4
FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 30.0
"""No wait is longer; who is told to come back later than that is told so by the Problem."""

LATER: Final = frozenset(
    {
        httpx.codes.TOO_MANY_REQUESTS,
        httpx.codes.BAD_GATEWAY,
        httpx.codes.SERVICE_UNAVAILABLE,
        httpx.codes.GATEWAY_TIMEOUT,
    }
)
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
KEY: Final = "Idempotency-Key"


@dataclass(frozen=True)
class Retries:
    """How often, and by which clock and chance."""

    attempts: int = ATTEMPTS
    """In all: 1 sends once."""

    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    """From 0 to below 1."""

    def keyed(self, key: str) -> dict[str, str]:
        """The header of what creates something: with the caller's key, or a new one where it may be sent again."""
        key = key or (secrets.token_urlsafe(16) if self.attempts > 1 else "")
        return {KEY: key} if key else {}

    def wait(self, attempt: int, request: httpx.Request, response: httpx.Response | None, *, safe: bool) -> bool:
        """Whether to send it again, after having waited. `attempt` counts from 1, no `response` is None, and `safe`
        says of a POST that it changes nothing.
        """
        if attempt >= self.attempts or not (safe or request.method in IDEMPOTENT or KEY in request.headers):
            return False
        if response is not None and response.status_code not in LATER:
            return False
        asked = retry_after(response) if response is not None else None
        if asked is not None and asked > LONGEST_SECONDS:
            return False
        self.sleep(asked or self.chance() * min(LONGEST_SECONDS, FIRST_SECONDS * 2**attempt))
        return True


NEVER: Final = Retries(attempts=1)
"""For who would rather see the first answer."""
