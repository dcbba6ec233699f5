"""The stamper: the one thread that has checkpoints time-stamped, so that nobody can date the log back, we included.

Rules
- While the log grows, its newest checkpoint is stamped once every `every`; and once more when it has rested for
  `RESTED`, so that nothing recorded stays without.
- What comes back was verified by whoever obtained it; it is stored, and only then shown. A crash in between costs a
  stamp, which is asked for again.
- Nobody waits for it: without authorities stamps are late, `status` says why, and appends go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import select

from keys.clock import Clock
from keys.revocation import SKEW
from ledger.errors import LedgerError
from ledger.ids import milliseconds, moment
from ledger.publishing.publication import PLAIN, Publication, Shown
from ledger.stamping.schedule import RESTED, STAMP_EVERY
from ledger.stamping.stamps import store_stamp
from ledger.storage.database import Database
from ledger.storage.tables import Checkpoint, Stamp
from ledger.storage.tenancy import SystemSession

LOOK_SECONDS: Final = 5.0
"""Between two looks at whether a stamp is due; after a failure it is tried again at the next."""

CLOSE_SECONDS: Final = 6.0
"""How long the end waits for a stamp under way: authorities that hang, one after the other, must not hold it up."""

_STAMPING: Final = "stamping"
"""What one process does at a time: one stamp of a checkpoint is enough."""


@dataclass(frozen=True)
class Obtained:
    """A stamp that holds."""

    response: bytes = field(repr=False)
    """The authority's answer, DER."""

    time: datetime
    roots: str = field(repr=False)
    """What it was verified under, PEM."""


Obtain: TypeAlias = Callable[[bytes], Obtained]
"""Has a note stamped. Raises StampUnavailableError when nobody stamps it now."""


@dataclass(frozen=True)
class StampStatus:
    """How far stamps are."""

    size: int
    """Of the last one; 0 before the first."""

    time: datetime | None
    """When it was made, by its authority's clock."""

    reason: str
    """Why one that is due is missing; empty when all is well."""


class Stamping:
    """One thread over one log."""

    def __init__(
        self,
        database: Database,
        obtain: Obtain,
        clock: Clock,
        every: timedelta = STAMP_EVERY,
        notice: Callable[[str], object] = lambda _reason: None,
        publication: Publication = PLAIN,
    ) -> None:
        """`notice` is told of each new reason why a stamp is late; `publication` says which checkpoint is shown."""
        self._publication = publication
        self._database, self._obtain, self._clock, self._every = database, obtain, clock, every
        self._notice = notice
        self.reason = ""
        """Why a stamp that is due is missing; empty when all is well. Written by the thread."""

        self._grew = 0, clock()
        """The newest checkpoint's size, and when it was first seen. Owned by the thread."""

        self._over = False
        """Nothing is stored any more: the database may be another process's by now."""

        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-stamper", daemon=True)

    def start(self) -> None:
        """Begin with a first look at once."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is under way, if that takes no longer than `CLOSE_SECONDS`, and stop."""
        self._stop.set()
        self._thread.join(CLOSE_SECONDS)
        self._over = True

    def status(self) -> StampStatus:
        """What an operator wants to know at a glance. Raises DatabaseUnavailableError."""
        size, time = self._last()
        return StampStatus(size, time, self.reason)

    def step(self) -> bool:
        """Have the newest checkpoint that is shown stamped if that is due; whether it was.

        Raises StampUnavailableError, DatabaseUnavailableError.
        """
        if self._due() is None:
            return False
        with self._database.alone(_STAMPING):
            due = self._due()
            if due is None:
                return False
            obtained = self._obtain(due.note.encode())
            if self._over:
                return False
            time = milliseconds(obtained.time)
            self._database.write(lambda at: store_stamp(at, due.size, obtained.response, time, obtained.roots))
        return True

    def _due(self) -> Shown | None:
        """The checkpoint to stamp now: as it was signed, without cosignatures."""
        with self._database.read(SystemSession.INTEGRATION) as connection:
            newest = self._publication.size(connection)
            note = connection.execute(select(Checkpoint.note).where(Checkpoint.size == newest)).scalar()
        return Shown(newest, note) if note is not None and self._is_due(newest) else None

    def _is_due(self, size: int) -> bool:
        now, (stamped, time) = self._clock(), self._last()
        if size != self._grew[0]:
            self._grew = size, now
        if size <= stamped or time is None:
            return size > stamped
        # A clock that was put back makes a stamp due, rather than none for as long as that.
        return not -SKEW <= now - time < self._every or not timedelta(0) <= now - self._grew[1] < RESTED

    def _last(self) -> tuple[int, datetime | None]:
        last = select(Stamp.size, Stamp.time).order_by(Stamp.size.desc()).limit(1)
        with self._database.read(SystemSession.INTEGRATION) as connection:
            found = connection.execute(last).one_or_none()
        return (found.size, moment(found.time)) if found else (0, None)

    def _run(self) -> None:
        while True:
            try:
                self.step()
                self._report("")
            except LedgerError as error:
                self._report(str(error))
            except Exception as error:  # noqa: BLE001 -- whatever it is, stamps must not end in silence
                self._report(f"the fault is ours: {type(error).__name__}: {error}")
            if self._stop.wait(LOOK_SECONDS):
                return

    def _report(self, reason: str) -> None:
        if reason and reason != self.reason:
            self._notice(reason)
        self.reason = reason
