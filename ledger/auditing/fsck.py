"""`sigillo ledger verify`: the audit of the database's own log, payloads included where they still open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from sqlalchemy import Connection, bindparam, func, select

from keys.errors import SealBrokenError
from keys.high_water import Mark
from ledger.auditing.audit import LogReport, audit
from ledger.auditing.faults import Fault, FaultError, FaultKind
from ledger.entry import Entry
from ledger.errors import DraftRefusedError, ForkError, SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import SubjectId, TenantId
from ledger.payload import Payloads
from ledger.publishing.source import StoredEntry, StoredStamp
from ledger.stamping.stamp_check import Judge
from ledger.stamping.stamps import stored_stamps
from ledger.storage.database import Database
from ledger.storage.tables import Checkpoint, Cosignature, LogIdentity, Payload, stored_bytes
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import TreeHead, VerifierKey
from ledger.tree.guard import check_mark
from ledger.tree.merkle import EMPTY_ROOT
from ledger.tree.tile_store import integrated_size, tile_reader
from ledger.tree.tiles import Tiles
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum

SUBJECTS_HELD = 1_024
"""Opened subject keys held during one pass."""

_ROWS = 1_024
_SEALED = stored_bytes(Payload.sealed).label("sealed")
_PAYLOAD = select(Payload.tenant_id, Payload.subject_id, _SEALED).where(Payload.entry_id == bindparam("entry"))


def verify_log(
    database: Database,
    vkey: str | None = None,
    payloads: tuple[Payloads, Subjects] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    quorum: Quorum = NO_WITNESSES,
    judge: Judge | None = None,
    mark: Mark | None = None,
) -> LogReport:
    """Check the whole log in one snapshot; with `payloads`, every commitment that can still be opened too; with a
    `judge`, whether its stamps hold; with a `mark`, which was read before, whether it is all that was signed.

    `vkey` defaults to the stored one; an auditor brings their own. `progress(done, total)` is called along.
    Raises DatabaseUnavailableError, CheckpointError for a malformed `vkey`, KeyStoreUnavailableError.
    """
    with database.read(SystemSession.FSCK) as connection:
        text = vkey or connection.execute(select(LogIdentity.vkey)).scalar()
        check = _PayloadCheck(connection, *payloads) if payloads else None
        key = VerifierKey.parse(text) if text else None
        report = audit(_DatabaseSource(connection), key, check, progress, quorum=quorum, judge=judge)
        return _held_to(mark, report, key, connection) if mark and key and report.sound else report


def _held_to(mark: Mark, report: LogReport, key: VerifierKey, connection: Connection) -> LogReport:
    """The report, with what the mark outside the database holds against it."""
    size, tiles = integrated_size(connection), Tiles(tile_reader(connection))
    here = TreeHead(key.origin, size, tiles.root(size) if size else EMPTY_ROOT)
    try:
        check_mark(here, mark, None, tiles)
    except ForkError as error:
        first, kind = (size, FaultKind.SHRINK) if mark.size > size else (0, FaultKind.FORK)
        return replace(report, fault=Fault(first, kind, str(error)))
    return report


class _DatabaseSource:
    """The log as one snapshot of the database has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.tile = tile_reader(connection)

    def size(self) -> int:
        return self._connection.execute(select(func.count(EntryRow.index))).scalar_one()

    def entries(self, first: int) -> Iterator[StoredEntry]:
        stored = select(EntryRow.index, stored_bytes(EntryRow.data), EntryRow.id)
        stored = stored.order_by(EntryRow.index).limit(_ROWS)
        while rows := self._connection.execute(stored.where(EntryRow.index >= first)).all():
            for index, data, entry_id in rows:
                yield StoredEntry(index, data, entry_id)
            first = index + 1

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        with_lines = select(Checkpoint.size, Checkpoint.note, Cosignature.line).outerjoin(
            Cosignature, Cosignature.size == Checkpoint.size
        )
        rows = self._connection.execute(with_lines.order_by(Checkpoint.size, Cosignature.witness))
        for (size, note), lines in groupby(rows, key=lambda row: (row.size, row.note)):
            yield size, note + "".join(line or "" for _, _, line in lines)

    def stamps(self, after: int) -> Iterator[StoredStamp]:
        return stored_stamps(self._connection, after)


class _PayloadCheck:
    """Opens each payload whose subject still lives, and compares both commitments."""

    def __init__(self, connection: Connection, payloads: Payloads, subjects: Subjects) -> None:
        self._connection = connection
        self._payloads = payloads
        self._open: Callable[[TenantId, SubjectId], Subject] = lru_cache(SUBJECTS_HELD)(subjects.open)
        self.payloads = 0
        self.erased = 0

    def __call__(self, stored: StoredEntry, entry: Entry) -> None:
        row = self._connection.execute(_PAYLOAD, {"entry": entry.id}).one_or_none()
        if row is None:
            raise FaultError(stored.index, FaultKind.PAYLOAD, "its payload's row is missing")
        if row.sealed is None:
            self.erased += 1
            return
        try:
            self._compare(stored.index, entry, self._open(row.tenant_id, row.subject_id), row.sealed)
        except SubjectErasedError:
            self.erased += 1
        except (SealBrokenError, DraftRefusedError) as error:
            raise FaultError(stored.index, FaultKind.PAYLOAD, f"its payload does not open: {error}") from error

    def _compare(self, index: int, entry: Entry, subject: Subject, sealed: bytes) -> None:
        opened = self._payloads.unseal(subject, entry.id, sealed)
        bound = (opened.kind, opened.commit, opened.actor_commit, opened.subject)
        if bound != (entry.kind, entry.commit, entry.actor, subject.id):
            raise FaultError(index, FaultKind.PAYLOAD, "its payload is not what the entry committed to")
        self.payloads += 1
