"""Vault as a service speaks to it for years: logged in, asked again, left alone while it is down, and measured.

Rules
- What changes nothing in Vault may be asked again: reading, opening an epoch, making a data key (Vault keeps none), and
  signing (one more signature over the same bytes says nothing new, and only one is used; likewise what the BLS key is
  made of). What changes something is
  sent once, for nobody knows whether an unanswered request was carried out.
- Only silence and failure are asked again (KeyStoreDownError), ATTEMPTS times at most, with a pause that doubles and is
  spread at random, and never so that it could end after PATIENCE_SECONDS. Sealed, forbidden and refused are answers.
- A refused token is doubted once: where another is to be had, the request is sent again with it (it was refused, so
  nothing was carried out).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from keys.breaker import Breaker
from keys.clock import Clock, Entropy, fraction, system_clock, system_entropy
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError
from keys.observer import Observer, Operation, Unobserved, observed
from keys.vault import Vault
from keys.vault_login import Identity, Lease, Login
from keys.vault_store import EPOCHS_MOUNT
from keys.vault_versions import SIGNING_MOUNT

ANSWER_SECONDS: Final = 3
"""How long one answer may take; a signature takes a millisecond."""

ATTEMPTS: Final = 3
PATIENCE_SECONDS: Final = 10.0
"""For all attempts together: well within the time a worker has for one file (`detection.sandbox.JOB_SECONDS`)."""

PAUSE_SECONDS: Final = 0.1
"""After the first failure, less up to a half of it at random."""

_POSTS: Final = (
    (f"{SIGNING_MOUNT}/sign/", Operation.SIGN, True),
    (f"{SIGNING_MOUNT}/hmac/", Operation.SIGN, True),
    (f"{EPOCHS_MOUNT}/datakey/", Operation.EPOCH, True),
    (f"{EPOCHS_MOUNT}/decrypt/", Operation.EPOCH, True),
    (f"{EPOCHS_MOUNT}/", Operation.EPOCH, False),
    ("", Operation.WRITE, False),
)
"""How a path begins, what that asks for, and whether it may be asked again. The first that fits."""


class SteadyVault(Vault):
    """A Vault of one identity, for any number of threads. Talks to nobody before it is asked.

    `timer` counts seconds, from anywhere; `pause` waits for some.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        *,
        ca_file: Path | None = None,
        clock: Clock = system_clock,
        entropy: Entropy = system_entropy,
        observer: Observer | None = None,
        timer: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(url, ca_file=ca_file, timeout=ANSWER_SECONDS)
        self._observer = observer or Unobserved()
        self._entropy, self._timer, self._pause = entropy, timer, pause
        self._login = Login(self.speaking_as(""), identity, clock, entropy, self._observer, timer)
        self._breaker = Breaker(lambda is_open: self._observer.breaker(is_open=is_open), timer)

    def send(self, method: str, path: str, **request: Any) -> dict[str, Any] | None:
        """As `Vault.send`, by the rules of this module."""
        operation, repeatable = _asks(method, path)
        latest = self._timer() + PATIENCE_SECONDS - ANSWER_SECONDS
        failures = 0
        while True:
            try:
                with self._breaker.call():
                    return self._logged_in(operation, method, path, request)
            except KeyStoreDownError:
                failures += 1
                wait = PAUSE_SECONDS * 2 ** (failures - 1) * (0.5 + fraction(self._entropy) / 2)
                late = self._timer() + wait > latest
                if not repeatable or failures == ATTEMPTS or self._breaker.is_open or late:
                    raise
            self._pause(wait)

    def _logged_in(
        self, operation: Operation, method: str, path: str, request: dict[str, Any]
    ) -> dict[str, Any] | None:
        lease = self._login.lease()
        try:
            return self._once(lease, operation, method, path, request)
        except KeyStoreForbiddenError:
            other = self._login.doubted(lease)
            if other.grant.token == lease.grant.token:
                raise
        return self._once(other, operation, method, path, request)

    def _once(
        self, lease: Lease, operation: Operation, method: str, path: str, request: dict[str, Any]
    ) -> dict[str, Any] | None:
        with observed(self._observer, operation, self._timer):
            return lease.vault.send(method, path, **request)


def _asks(method: str, path: str) -> tuple[Operation, bool]:
    if method != "post":
        return Operation.READ, True
    return next((operation, again) for start, operation, again in _POSTS if path.startswith(start))
