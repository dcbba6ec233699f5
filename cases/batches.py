"""Batches: thousands of files of one owner under one name, so that who sends them sees how far they are, wherever they
send them from.

Rules
- A batch holds nothing itself: each file is an upload like any other, under an Idempotency-Key, which counts in its
  batch and for as long as that lasts. Sent again, by whatever process, it is the same asset; how many are done is how
  many keys are spent.
- What was refused is kept with its reason until it is done after all. What may pass by itself (overload, an outage) is
  no refusal.
- Neither a batch nor a refusal decides anything: bookkeeping, without entries, and gone when the batch is over.
- What a caller calls a batch or a file is sealed under the tenant's system subject: file names name people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
)

from cases.access import Caller
from cases.asset import AssetRow, AssetState
from cases.batch import KEPT, MAX_BATCHES, PAGE, RATE, Batch, BatchId, BatchRow, Part, Refusal, RefusalRow
from cases.errors import BatchLimitError, BatchNotFoundError
from cases.idempotency import IdempotencyKey, IdempotencyRow
from keys.clock import Clock, Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import TenantId, may_be_stored, milliseconds, new_id
from ledger.storage.database import Database

_REFUSAL: Final = TypeAdapter(Refusal)


@dataclass(frozen=True)
class Batches:
    """The batches of everybody. Safe to call from many threads."""

    database: Database
    subjects: Subjects
    clock: Clock
    entropy: Entropy

    def begin(self, by: Caller, name: str, expected: int) -> Batch:
        """A new one. Raises BatchLimitError, KeyStoreUnavailableError."""
        now, system = milliseconds(self.clock()), self.subjects.system(by.tenant)
        batch = BatchId(new_id("bat", self.entropy))
        row = {
            "tenant_id": by.tenant,
            "id": batch,
            "principal_id": by.principal,
            "expected": expected,
            "created_at": now,
            "expires_at": now + KEPT // timedelta(milliseconds=1),
            "name": seal(system.key, name.encode(), _bound(system, batch), self.entropy),
        }

        def work(connection: Connection) -> None:
            mine = (BatchRow.tenant_id == by.tenant, BatchRow.principal_id == by.principal, BatchRow.expires_at > now)
            if connection.execute(select(func.count(BatchRow.id)).where(*mine)).scalar_one() >= MAX_BATCHES:
                raise BatchLimitError(f"{MAX_BATCHES} batches are under way: go on with one of them")
            connection.execute(insert(BatchRow), row)

        self.database.write(work)
        return self.find(by, batch)

    def join(self, by: Caller, batch: str, name: str) -> Part:
        """Raises BatchNotFoundError."""
        now = milliseconds(self.clock())
        with self.database.read(by.tenant) as connection:
            return Part(BatchId(batch), _row(connection, by, batch, now)["expires_at"], name)

    def refused(self, by: Caller, part: Part, key: str, refusal: Refusal) -> None:
        """Keep that a file of a batch was refused, sent under that Idempotency-Key."""
        now, system = milliseconds(self.clock()), self.subjects.system(by.tenant)
        spent = IdempotencyKey.of(system, by.principal, key, b"", part).key
        said = seal(system.key, _REFUSAL.dump_json(refusal), _bound(system, part.batch, spent), self.entropy)
        its = (RefusalRow.tenant_id == by.tenant, RefusalRow.batch_id == part.batch)
        row = {
            "tenant_id": by.tenant,
            "batch_id": part.batch,
            "key": spent,
            "refusal": said,
            "expires_at": part.until,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(RefusalRow).where(*its, RefusalRow.key == spent))
            expected = _row(connection, by, part.batch, now)["expected"]
            if connection.execute(select(func.count(RefusalRow.key)).where(*its)).scalar_one() < expected:
                connection.execute(insert(RefusalRow), row)

        self.database.write(work)

    def find(self, by: Caller, batch: str, cursor: str = "") -> Batch:
        """How far one of the caller's is; `cursor` is that of the page before. Raises BatchNotFoundError."""
        now, system = milliseconds(self.clock()), self.subjects.system(by.tenant)
        with self.database.read(by.tenant) as connection:
            row = _row(connection, by, batch, now)
            since = max(row["created_at"], now - RATE // timedelta(milliseconds=1))
            done, held, recent = connection.execute(_signed(by.tenant, batch, since)).one()
            refusals = _refusals(by.tenant, batch)
            refused = connection.execute(refusals.with_only_columns(func.count(RefusalRow.key))).scalar_one()
            page = connection.execute(
                refusals.where(RefusalRow.key > cursor).order_by(RefusalRow.key).limit(PAGE)
            ).all()
        return Batch(
            BatchId(batch),
            unseal(system.key, row["name"], _bound(system, batch)).decode(),
            row["expected"],
            row["created_at"],
            row["expires_at"],
            done,
            held,
            refused,
            1000 * recent / max(now - since, 1000),
            tuple(_REFUSAL.validate_json(unseal(system.key, said, _bound(system, batch, key))) for key, said in page),
            page[-1].key if len(page) == PAGE else "",
        )


def _row(connection: Connection, by: Caller, batch: str, now: int) -> RowMapping:
    """Raises BatchNotFoundError, also for one that is over and still there: its keys are spent no longer."""
    wanted = {"tenant": by.tenant, "batch": batch, "principal": by.principal, "now": now}
    row = connection.execute(_MINE, wanted).mappings().one_or_none() if may_be_stored(batch) else None
    if row is None:
        raise BatchNotFoundError(batch)
    return row


_MINE: Final = select(BatchRow.__table__).where(
    BatchRow.tenant_id == bindparam("tenant"),
    BatchRow.id == bindparam("batch"),
    BatchRow.principal_id == bindparam("principal"),
    BatchRow.expires_at > bindparam("now"),
)


def _signed(tenant: TenantId, batch: str, since: int) -> Select[int, int, int]:
    """How many are signed, how many of them are held, and how many were signed since then."""
    both = and_(AssetRow.tenant_id == IdempotencyRow.tenant_id, AssetRow.id == IdempotencyRow.asset_id)
    of = select(
        func.count(AssetRow.id), _count(AssetRow.state == AssetState.HELD), _count(AssetRow.created_at >= since)
    )
    return of.join_from(IdempotencyRow, AssetRow, both).where(
        IdempotencyRow.tenant_id == tenant, AssetRow.tenant_id == tenant, IdempotencyRow.batch_id == batch
    )


def _count(what: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((what, 1), else_=0)), 0)


def _refusals(tenant: TenantId, batch: str) -> Select[str, bytes]:
    """Of files that were not signed after all."""
    signed = select(IdempotencyRow.key).where(IdempotencyRow.tenant_id == tenant, IdempotencyRow.batch_id == batch)
    rows = select(RefusalRow.key, RefusalRow.refusal)
    return rows.where(RefusalRow.tenant_id == tenant, RefusalRow.batch_id == batch, RefusalRow.key.not_in(signed))


def _bound(system: Subject, *what: str) -> bytes:
    return "/".join(("batch/v1", system.tenant, *what)).encode()


def forget_batches(connection: Connection, now: int) -> None:
    """Drop what is over; bookkeeping."""
    connection.execute(delete(RefusalRow).where(RefusalRow.expires_at <= now))
    connection.execute(delete(BatchRow).where(BatchRow.expires_at <= now))
