"""What bounds guessing of recovery codes: nobody guesses 128 bits, but asking costs this service, not the guesser.

Rules
- A guess is counted before it is looked at, in one transaction: no number of callers at once has more than one caller.
- MAX_GUESSES in WINDOW for one registration, right or wrong, whoever guesses; the edge bounds each network besides.
- Argon2id takes some 50 ms and 32 MiB: AT_ONCE of them are under way, and no more.
- What is not there costs as much as what is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from identity.assurance.account import Accounts
from identity.registration.errors import RecoveryBusyError, RecoveryCodeError, TooManyGuessesError
from identity.registration.recovery import RecoveryCode
from identity.registration.tables import GuessRow
from ledger.ids import SubjectId, TenantId

MAX_GUESSES: Final = 10
WINDOW: Final = timedelta(days=1)
AT_ONCE: Final = 2
PATIENCE_SECONDS: Final = 5.0
_WINDOW: Final = WINDOW // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Guesses:
    """Safe to use from many threads; each process has its own turns."""

    accounts: Accounts
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE), init=False, repr=False
    )

    def check(self, tenant: TenantId | None, registration: SubjectId, code: RecoveryCode, kept: str | None) -> None:
        """Raises RecoveryCodeError unless it is the code; TooManyGuessesError, RecoveryBusyError."""
        if tenant is not None:
            self.accounts.database.write(lambda connection: self._count(connection, tenant, registration))
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
        return RecoveryCode.new(self.accounts.entropy).hashed(self.accounts.entropy)

    def _count(self, connection: Connection, tenant: TenantId, registration: SubjectId) -> None:
        mine = (GuessRow.tenant_id == tenant, GuessRow.registration_id == registration)
        row = connection.execute(select(GuessRow.begun_at, GuessRow.tries).where(*mine)).one_or_none()
        now = self.accounts.now()
        if row is None or row.begun_at + _WINDOW <= now:
            connection.execute(delete(GuessRow).where(*mine))
            fresh = {"tenant_id": tenant, "registration_id": registration, "begun_at": now, "tries": 1}
            connection.execute(insert(GuessRow), fresh)
        elif row.tries >= MAX_GUESSES:
            raise TooManyGuessesError((row.begun_at + _WINDOW - now) // 1000 + 1)
        else:
            connection.execute(update(GuessRow).where(*mine).values(tries=GuessRow.tries + 1))


def forget_guesses(connection: Connection, now: int) -> None:
    """Drop counts that count no more; bookkeeping."""
    connection.execute(delete(GuessRow).where(GuessRow.begun_at + _WINDOW <= now))
