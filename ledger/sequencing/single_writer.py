"""SQLite's sequencer: the one thread that commits decisions, with their entries in their place.

Rules
- Up to 256 units share one transaction: run without savepoints, and when a unit raises, the batch is rolled back and
  its members run one by one, so only the one that raised fails (ADR 0001).
- When the thread ends for whatever reason, everyone waiting is told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert

from keys.clock import Clock
from ledger.errors import DatabaseUnavailableError, LogBusyError, LogClosedError, NestedWriteError
from ledger.ids import TenantId, milliseconds
from ledger.payload import SealedDraft
from ledger.sequencing.chain import Head, chained, read_head
from ledger.sequencing.sequencer import SEQUENCER, SealedWork, insert_payloads
from ledger.storage.database import Database
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tenancy import Access, Binding, SystemSession

BATCH_LIMIT = 256
"""Units that share one commit."""

QUEUE_LIMIT = 4_096
"""Units that may wait; beyond, callers get LogBusyError."""


@dataclass(frozen=True)
class _Unit:
    tenant: TenantId
    work: SealedWork
    done: Future[None] = field(default_factory=Future)


class SingleWriter:
    """Implements `ledger.sequencer.Sequencer`: one writer thread over one database."""

    leads = True
    pending = 0

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[_Unit] = deque()
        """Units not yet taken. Guarded by `_changed`, as is `_accepting`."""

        self._accepting = True
        self._head: Head | None = None
        """The last committed entry; None when it must be read again. Owned by the thread."""

        self.size = 0
        """Written by the thread."""

        self._thread = threading.Thread(target=self._run, name="ledger-sequencer", daemon=True)

    def start(self) -> None:
        """As `Sequencer.start`."""
        with self._database.read(SystemSession.SEQUENCER) as connection:
            self.size = read_head(connection).size
        self._thread.start()

    def close(self) -> None:
        """As `Sequencer.close`."""
        with self._changed:
            self._accepting = False
            self._changed.notify_all()
        self._thread.join()

    def reason(self) -> str:
        """As `Sequencer.reason`."""
        with self._changed:
            return "" if self._accepting and self._thread.is_alive() else "the log is not running"

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """As `Sequencer.submit`."""
        if threading.current_thread() is self._thread:
            raise NestedWriteError("record inside a unit of work: return both drafts from one")
        unit = _Unit(tenant, work)
        with self._changed:
            if not (self._accepting and self._thread.is_alive()):
                raise LogClosedError("the log is not running")
            if len(self._waiting) >= QUEUE_LIMIT:
                raise LogBusyError(f"{QUEUE_LIMIT} units of work are waiting")
            self._waiting.append(unit)
            self._changed.notify_all()
        unit.done.result()

    def _run(self) -> None:
        units: list[_Unit] = []
        try:
            while units := self._take():
                self._commit(units)
        finally:
            with self._changed:
                self._accepting = False
                units += self._waiting
            for unit in units:
                if not unit.done.done():
                    unit.done.set_exception(LogClosedError("the log's writer ended; nothing was committed"))

    def _take(self) -> list[_Unit]:
        """The next batch; empty when closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._accepting)
            return [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]

    def _commit(self, units: Sequence[_Unit]) -> None:
        try:
            self._transaction(units)
        except DatabaseUnavailableError as error:
            _fail(units, error)
        # A thread boundary: whatever a unit raised belongs to its caller, and is raised there as it is.
        except Exception as error:  # noqa: BLE001
            if len(units) == 1:
                _fail(units, error)
            else:
                for unit in units:
                    self._commit([unit])
        else:
            for unit in units:
                unit.done.set_result(None)

    def _transaction(self, units: Sequence[_Unit]) -> None:
        head, self._head = self._head, None
        drafts: list[SealedDraft] = []
        with self._database.writing(SEQUENCER) as connection:
            for unit in units:
                Binding(unit.tenant, Access.WORK).bind(connection)
                drafts += unit.work(connection)
            SEQUENCER.bind(connection)
            if drafts:
                head = self._append(connection, head or read_head(connection), drafts)
        self._head = head
        self.size = head.size if head else self.size

    def _append(self, connection: Connection, head: Head, drafts: Sequence[SealedDraft]) -> Head:
        head, rows = chained(head, drafts, milliseconds(self._clock()))
        connection.execute(insert(EntryRow), [{"index": index, "id": id_, "data": data} for index, id_, data in rows])
        insert_payloads(connection, drafts)
        return head


def _fail(units: Sequence[_Unit], error: Exception) -> None:
    for unit in units:
        unit.done.set_exception(error)
