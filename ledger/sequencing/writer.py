"""The writer: the one thread of a process that commits what its callers decided, many units of work at once.

Rules
- Up to BATCH_LIMIT units that wait share one transaction: run without savepoints, and when a unit raises, the batch is
  rolled back and its members run one by one, so only the one that raised fails (ADR 0001).
- A caller is answered after the commit; when the thread ends for whatever reason, everyone waiting is told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.errors import (
    DatabaseUnavailableError,
    LogBusyError,
    LogClosedError,
    NestedWriteError,
    RowsContendedError,
)
from ledger.ids import EntryId, TenantId
from ledger.payload import SealedDraft
from ledger.sequencing.sequencer import SEQUENCER, SealedWork
from ledger.storage.tenancy import Access, Binding

BATCH_LIMIT = 256
"""Units that share one commit."""

QUEUE_LIMIT = 4_096
"""Units that may wait; beyond, callers get LogBusyError."""


@dataclass(frozen=True)
class Unit:
    """A unit of work, and who waits for it."""

    tenant: TenantId
    work: SealedWork
    done: Future[None] = field(default_factory=Future)
    tried: set[EntryId] = field(default_factory=set)
    """Entries of its batch at each commit that was tried: if one of them is recorded, the unit is done."""


class Writer:
    """A line of units, and the thread that takes them out of it."""

    def __init__(self, transaction: Callable[[Sequence[Unit]], None]) -> None:
        """`transaction` commits all of these units, with their entries, or none, and raises what any of them raised."""
        self._transaction = transaction
        self._changed = threading.Condition()
        self._waiting: deque[Unit] = deque()
        """Units not yet taken. Guarded by `_changed`, as is `_accepting`."""

        self._accepting = True
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        with self._changed:
            self._accepting = False
            self._changed.notify_all()
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether units are taken."""
        with self._changed:
            return self._accepting and self._thread.is_alive()

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """As `Sequencer.submit`."""
        if threading.current_thread() is self._thread:
            raise NestedWriteError("record inside a unit of work: return both drafts from one")
        unit = Unit(tenant, work)
        with self._changed:
            if not (self._accepting and self._thread.is_alive()):
                raise LogClosedError("the log is not running")
            if len(self._waiting) >= QUEUE_LIMIT:
                raise LogBusyError(f"{QUEUE_LIMIT} units of work are waiting")
            self._waiting.append(unit)
            self._changed.notify_all()
        unit.done.result()

    def _run(self) -> None:
        units: list[Unit] = []
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

    def _take(self) -> list[Unit]:
        """The next batch; empty when closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._accepting)
            return [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]

    def _commit(self, units: Sequence[Unit]) -> None:
        try:
            self._transaction(units)
        # A thread boundary: whatever a unit raised belongs to its caller, and is raised there as it is.
        except Exception as error:  # noqa: BLE001
            if len(units) == 1 or _met_by_all(error):
                _fail(units, error)
            else:
                for unit in units:
                    self._commit([unit])
        else:
            for unit in units:
                unit.done.set_result(None)


def run(units: Iterable[Unit], connection: Connection) -> list[SealedDraft]:
    """Let each change rows as its tenant; the drafts of their entries. The connection is the sequencer's afterwards."""
    drafts: list[SealedDraft] = []
    for unit in units:
        Binding(unit.tenant, Access.WORK).bind(connection)
        drafts += unit.work(connection)
    SEQUENCER.bind(connection)
    return drafts


def _met_by_all(error: Exception) -> bool:
    """Whether each unit of a batch would meet it alone."""
    return isinstance(error, DatabaseUnavailableError) and not isinstance(error, RowsContendedError)


def _fail(units: Sequence[Unit], error: Exception) -> None:
    for unit in units:
        unit.done.set_exception(error)
