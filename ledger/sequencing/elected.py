"""PostgreSQL's sequencer: each process's writer commits its units of work; one elected leader places their entries.

    a writer, any process                       the leader
    BEGIN SERIALIZABLE                          BEGIN; lock
      work of each unit: rows of state            take the oldest pending entries
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
from ledger.errors import LedgerError
from ledger.forgetting.subjects import check_alive
from ledger.ids import TenantId, milliseconds
from ledger.sequencing.chain import chained, read_head
from ledger.sequencing.pending import leave, recorded, take, waiting
from ledger.sequencing.sequencer import SEQUENCER, SealedWork
from ledger.sequencing.writer import Unit, Writer, run
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
_UNITS = Binding(SystemSession.SEQUENCER, Access.WORK)
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
        self._writer = Writer(self._transaction)
        self._thread = threading.Thread(target=self._run, name="ledger-leader", daemon=True)

    def start(self) -> None:
        """As `Sequencer.start`."""
        self._look()
        self._accepting = True
        self._writer.start()
        self._thread.start()

    def close(self) -> None:
        """As `Sequencer.close`: what is pending is durable, and whoever leads next places it."""
        self._writer.close()
        self._accepting = False
        self._wake.set()
        self._thread.join()

    def reason(self) -> str:
        """As `Sequencer.reason`."""
        if not (self._writer.running and self._thread.is_alive()):
            return "the log is not running"
        if self.pending and time.monotonic() - self._progress[1] > STALL_SECONDS:
            return self._lost or f"{self.pending} entries wait for a leader, and the one there is places none"
        return self._lost

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """As `Sequencer.submit`."""
        self._writer.submit(tenant, work)

    def _transaction(self, units: Sequence[Unit]) -> None:
        def together(connection: Connection) -> None:
            left = _undone(connection, units)
            drafts = run(left, connection)
            if drafts:
                check_alive(connection, ((draft.tenant, draft.subject) for draft in drafts))
                leave(connection, drafts)
            for unit in left:
                unit.tried.update(draft.id for draft in drafts)

        self._database.transact(_UNITS, together)
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


def _undone(connection: Connection, units: Sequence[Unit]) -> Sequence[Unit]:
    """Those that no attempt whose answer was lost had committed after all."""
    tried = {entry for unit in units for entry in unit.tried}
    done = recorded(connection, tried) if tried else set()
    return [unit for unit in units if not unit.tried & done]
