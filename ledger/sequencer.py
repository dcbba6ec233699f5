"""The sequencer: the one thread that commits decisions together with their entries.

Rules
- A unit of work and its entries commit in one transaction or not at all (invariant 1). Up to 256 units
  share one: run without savepoints, and when a unit raises, the batch is rolled back and its members run
  one by one, so only the one that raised fails.
- This thread alone gives index, `time` (never behind the entry before) and `prev`.
- A caller is answered after the commit. When the thread ends for whatever reason, everyone waiting is told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import Connection, insert, select

from keys.clock import Clock
from ledger.database import Database
from ledger.entry import FIRST_PREV, Entry, entry_milliseconds, format_time, parse_entry
from ledger.errors import DatabaseUnavailableError, LogBusyError, LogClosedError, NestedWriteError
from ledger.ids import TenantId, milliseconds
from ledger.merkle import leaf_hash
from ledger.payload import SealedDraft
from ledger.tables import Entry as EntryRow
from ledger.tables import Payload
from ledger.tenancy import Access, Binding, SystemSession

BATCH_LIMIT = 256
"""Units that share one commit."""

QUEUE_LIMIT = 4_096
"""Units that may wait; beyond, callers get LogBusyError."""

SealedWork: TypeAlias = Callable[[Connection], Sequence[SealedDraft]]
_SEQUENCER = Binding(SystemSession.SEQUENCER, Access.FULL)


@dataclass(frozen=True)
class _Unit:
    tenant: TenantId
    work: SealedWork
    done: Future[None] = field(default_factory=Future)


@dataclass(frozen=True)
class _Head:
    """Where the log ends."""

    size: int = 0
    time: int = 0
    prev: str = FIRST_PREV


class Sequencer:
    """One writer thread over one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[_Unit] = deque()
        """Units not yet taken. Guarded by `_changed`, as is `_accepting`."""

        self._accepting = True
        self._head: _Head | None = None
        """The last committed entry; None when it must be read again. Owned by the thread."""

        self.size = 0
        """Entries committed, for whoever asks; written by the thread."""

        self._thread = threading.Thread(target=self._run, name="ledger-sequencer", daemon=True)

    def start(self) -> None:
        """Begin to commit. Raises DatabaseUnavailableError when the log cannot be read."""
        with self._database.read(SystemSession.SEQUENCER) as connection:
            self.size = _read_head(connection).size
        self._thread.start()

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        with self._changed:
            self._accepting = False
            self._changed.notify_all()
        self._thread.join()

    def is_running(self) -> bool:
        """Whether units are committed now."""
        with self._changed:
            return self._accepting and self._thread.is_alive()

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """Run `work` and return once it and its entries are durable.

        Raises what `work` raised, LogBusyError, LogClosedError, DatabaseUnavailableError, NestedWriteError.
        """
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
        with self._database.writing(_SEQUENCER) as connection:
            for unit in units:
                Binding(unit.tenant, Access.WORK).bind(connection)
                drafts += unit.work(connection)
            _SEQUENCER.bind(connection)
            if drafts:
                head = self._append(connection, head or _read_head(connection), drafts)
        self._head = head
        self.size = head.size if head else self.size

    def _append(self, connection: Connection, head: _Head, drafts: Sequence[SealedDraft]) -> _Head:
        rows = []
        for draft in drafts:
            now = max(head.time, milliseconds(self._clock()))
            entry = Entry(draft.id, draft.kind, format_time(now), draft.policy, draft.commit, draft.actor, head.prev)
            data = entry.encode()
            rows.append({"index": head.size, "id": draft.id, "data": data})
            head = _Head(head.size + 1, now, leaf_hash(data).hex())
        connection.execute(insert(EntryRow), rows)
        connection.execute(insert(Payload), [_payload_row(draft) for draft in drafts])
        return head


def _payload_row(draft: SealedDraft) -> dict[str, object]:
    return {
        "tenant_id": draft.tenant,
        "entry_id": draft.id,
        "subject_id": draft.subject,
        "kind": draft.kind,
        "sealed": draft.sealed,
    }


def _read_head(connection: Connection) -> _Head:
    last = connection.execute(
        select(EntryRow.index, EntryRow.data).order_by(EntryRow.index.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return _Head()
    index, data = last
    return _Head(index + 1, entry_milliseconds(parse_entry(data)), leaf_hash(data).hex())


def _fail(units: Sequence[_Unit], error: Exception) -> None:
    for unit in units:
        unit.done.set_exception(error)
