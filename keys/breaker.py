"""A circuit breaker: what is down is not asked by everyone at once.

Rules
- Closed, it lets every call through. After FAILURES calls in a row that found nobody it is open, and refuses at once.
- Open for OPEN_SECONDS, it lets one call through, the probe, and no other until the probe is back. A probe that finds
  nobody opens it anew; any answer closes it, a refusal too: who refuses is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from keys.errors import KeyStoreDownError

FAILURES: Final = 5
OPEN_SECONDS: Final = 1.0


class Breaker:
    """One for all threads. `changed` hears whether it is open now; `timer` counts seconds, from anywhere."""

    def __init__(self, changed: Callable[[bool], None], timer: Callable[[], float] = time.monotonic) -> None:
        self._changed, self._timer = changed, timer
        self._lock = threading.Lock()
        # Below: under the lock.
        self._failures, self._reason, self._next_probe = 0, "", 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make one call in this block. Raises KeyStoreDownError without making it while the breaker is open."""
        probe = self._admit()
        failure: KeyStoreDownError | None = None
        try:
            yield
        except KeyStoreDownError as error:
            failure = error
            raise
        finally:
            self._settle(failure, probe=probe)

    def _admit(self) -> bool:
        with self._lock:
            if not self.is_open:
                return False
            if self._probing or self._timer() < self._next_probe:
                raise KeyStoreDownError(f"{self._reason} (it is asked again within seconds)")
            self._probing = True
            return True

    def _settle(self, failure: KeyStoreDownError | None, *, probe: bool) -> None:
        with self._lock:
            was_open = self.is_open
            if probe:
                self._probing = False
            if failure is None:
                self._failures = 0
            else:
                self._failures, self._reason = self._failures + 1, str(failure)
                self._next_probe = self._timer() + OPEN_SECONDS
            if self.is_open != was_open:
                self._changed(self.is_open)
