"""What bounds guessing of recovery codes: nobody guesses 128 bits, but asking costs this service, not the guesser.

Rules
- Nothing is counted for a registration: who knows its id would keep its owner out, and learn that it is there. The
  edge counts guessers, by network (`api.edge.throttle`).
- Argon2id takes some 50 ms and 32 MiB: AT_ONCE of them are under way, and no more.
- What is not there costs as much as what is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from identity.registration.errors import RecoveryBusyError, RecoveryCodeError
from identity.registration.recovery import RecoveryCode
from keys.clock import Entropy

AT_ONCE: Final = 2
PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Guesses:
    """Safe to use from many threads; each process has its own turns."""

    entropy: Entropy
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE), init=False, repr=False
    )

    def check(self, code: RecoveryCode, kept: str | None) -> None:
        """Raises RecoveryCodeError unless it is the code of what is kept; RecoveryBusyError."""
        if not self._turns.acquire(timeout=PATIENCE_SECONDS):
            raise RecoveryBusyError
        try:
            code.check(kept or self._nobodys)
        finally:
            self._turns.release()
        if kept is None:
            raise RecoveryCodeError

    @cached_property
    def _nobodys(self) -> str:
        """The hash of a code that nobody has."""
        return RecoveryCode.new(self.entropy).hashed(self.entropy)
