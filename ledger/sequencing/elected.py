"""PostgreSQL's sequencer: units of work commit in their callers' transactions; one elected leader places their entries.

    a caller, any process                       the leader
    BEGIN SERIALIZABLE                          BEGIN; lock
      work: rows of state                         take the oldest pending entries
      payloads, pending entries                   index, time, prev; COPY into entry
    COMMIT: durable                             COMMIT: placed

Rules
- Every process stands for election: whoever gets the session's lock leads until that session ends. A leader places
  entries on that very session, so one that lost its lock has lost its transaction too.
- Two leaders would still make no fork: each locks before it reads where the log ends, and an index is taken once.
- Entries are placed in the order in which they were left; nobody looks for rows beyond the last one seen, for rows
  become visible in another order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from keys.clock import Clock
from ledger.errors import LedgerError, LogClosedError
from ledger.ids import EntryId, TenantId, milliseconds
from ledger.payload import SealedDraft
from ledger.sequencing.chain import chained, read_head
from ledger.sequencing.pending import are_recorded, leave, take, waiting
from ledger.sequencing.sequencer import SEQUENCER, SealedWork, insert_payloads
from ledger.storage.database import Database
from ledger.storage.postgresql import copy_rows, lock_key
from ledger.storage.tenancy import Access, Binding, SystemSession

BATCH_LIMIT = 1_024
"""Entries placed in one transaction."""

POLL_SECONDS = 0.05
"""How soon the leader sees what other processes left; of its own process it is told."""

CANDIDATE_SECONDS = 0.5
"""How often the others ask whether the leader is gone."""

STALL_SECONDS = 10.0
"""Entries that wait so long have no leader that works."""

_COPY = 'COPY entry ("index", id, data) FROM STDIN (FORMAT BINARY)'
_TYPES = ("int8", "varchar", "bytea")
LEADERSHIP = "leadership"
PLACING = "placing"


class ElectedSequencer:
    """Implements `ledger.sequencer.Sequencer` over a database that many processes share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._accepting = False
        self._wake = threading.Event()
        """Set when there may be something to place, and at the end."""

        self._lost = ""
        """Why there is no session to be elected with."""

        self._progress = (0, 0.0)
        """How many entries had their place when that changed last, and when; written by the thread, as are these."""

        self.size = 0
        self.pending = 0
        self.leads = False
        self._thread = threading.Thread(target=self._run, name="ledger-leader", daemon=True)

    def start(self) -> None:
        """As `Sequencer.start`."""
        self._look()
        self._accepting = True
        self._thread.start()

    def close(self) -> None:
        """As `Sequencer.close`: what is pending is durable, and whoever leads next places it."""
        self._accepting = False
        self._wake.set()
        self._thread.join()

    def reason(self) -> str:
        """As `Sequencer.reason`."""
        if not (self._accepting and self._thread.is_alive()):
            return "the log is not running"
        if self.pending and time.monotonic() - self._progress[1] > STALL_SECONDS:
            return self._lost or f"{self.pending} entries wait for a leader, and the one there is places none"
        return self._lost

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """As `Sequencer.submit`."""
        if not self._accepting:
            raise LogClosedError("the log is not running")
        tried: set[EntryId] = set()

        def unit(connection: Connection) -> None:
            if tried and _recorded_before(connection, tried, tenant):
                return
            drafts = work(connection)
            tried.update(draft.id for draft in drafts)
            _leave(connection, drafts)

        self._database.transact(Binding(tenant, Access.WORK), unit)
        self._wake.set()

    def place(self, connection: Connection) -> int:
        """Give the oldest pending entries their place, in one transaction; how many. For whoever leads."""
        with connection.begin():
            left = waiting(connection)
            if left:
                connection.execute(select(func.pg_advisory_xact_lock(lock_key(PLACING))))
                taken = take(connection, BATCH_LIMIT)
                head, rows = chained(read_head(connection), taken, milliseconds(self._clock()))
                copy_rows(connection, _COPY, _TYPES, rows)
        self.pending = 0
        if not left:
            return 0
        self.pending = max(left - len(rows), 0)
        self.size, self._progress = head.size + self.pending, (head.size, time.monotonic())
        return len(rows)

    def _run(self) -> None:
        while self._accepting:
            try:
                self._stand()
                self._lost = ""
            except LedgerError as error:
                self._lost = str(error)
            except DBAPIError as error:
                self._lost = f"the database ended the leader's session: {error.orig}"
            except Exception as error:  # noqa: BLE001 -- whatever it is, entries must not be left without a leader
                self._lost = f"the fault is ours: {type(error).__name__}: {error}"
            if self._accepting:
                self._wake.wait(CANDIDATE_SECONDS)
                self._wake.clear()

    def _stand(self) -> None:
        """Stand for election once, and lead while elected."""
        self._look()
        with self._database.elected(LEADERSHIP) as connection:
            if connection is None:
                return
            self._lost = ""
            try:
                self._lead(connection)
            finally:
                self.leads = False

    def _lead(self, connection: Connection) -> None:
        SEQUENCER.bind(connection)
        self.leads = True
        while True:
            stopping = not self._accepting
            while self.place(connection):
                pass
            if stopping:
                return
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _look(self) -> None:
        with self._database.read(SystemSession.SEQUENCER) as connection:
            placed, self.pending = read_head(connection).size, waiting(connection)
        self.size = placed + self.pending
        if placed != self._progress[0] or not self.pending:
            self._progress = (placed, time.monotonic())


def _recorded_before(connection: Connection, entries: set[EntryId], tenant: TenantId) -> bool:
    """Whether an attempt whose answer was lost had committed after all."""
    SEQUENCER.bind(connection)
    found = are_recorded(connection, entries)
    Binding(tenant, Access.WORK).bind(connection)
    return found


def _leave(connection: Connection, drafts: Sequence[SealedDraft]) -> None:
    if drafts:
        SEQUENCER.bind(connection)
        insert_payloads(connection, drafts)
        leave(connection, drafts)
