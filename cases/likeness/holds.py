"""Held assets: who ends a hold, who keeps it, and what the uploader says to it. Each is an entry of the asset's.

Rules
- A reviewer ends or keeps all holds of an asset; a registered person their own (`cases.likeness.log`). The last one
  that ends gives the asset out. Whoever uploaded it decides nothing of that, whatever else their key may do.
- The uploader is told neither whom the file may show nor how sure that is, and may object; a reviewer reads that.
- A hold does not outlive what it holds: retention and erasure end both.
- What was released stays so: for the same file and the same person, as long as they refuse the same, it is not asked
  again, however often they register. The people it was held for see what was decided, and by whom not.
- When a registration ends, what it holds and nobody decided on ends with it. What its person objected to, or a reviewer
  refused, stays held: by nobody from then on, until a reviewer releases it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, RowMapping, select, update

from cases.access import Caller, require_alive
from cases.asset import AssetId, AssetState, find_row, subject_id
from cases.errors import AssetNotFoundError, LikenessHoldNotFoundError, OwnReviewError
from cases.likeness.decisions import (
    APPEALED,
    HOLD_POLICY,
    REFUSED,
    RELEASED,
    AssetAppealed,
    AssetRefused,
    AssetReleased,
)
from cases.likeness.hold_rows import give_out, holds_of, let_go, refuse, release
from cases.likeness.lines import Decision, decided
from cases.likeness.tables import LikenessHoldRow
from keys.clock import Clock, Entropy
from keys.sealing import seal, unseal
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

PAGE = 100
WITHDRAWN_AT_ONCE = 200
"""Holds of ended registrations that one round lets go of."""


_ENDED: Final = (
    select(LikenessHoldRow.tenant_id, LikenessHoldRow.asset_id, LikenessHoldRow.id)
    .where(LikenessHoldRow.ended == 1)
    .order_by(LikenessHoldRow.tenant_id, LikenessHoldRow.asset_id)
    .limit(WITHDRAWN_AT_ONCE)
)


@dataclass(frozen=True)
class LikenessHold:
    """An asset that is held."""

    asset: AssetId
    reason: str
    placed_at: int
    """Unix milliseconds."""

    refused_at: int | None
    """When it was decided that it stays; None while it waits for that."""

    people: int
    """How many registrations hold it."""

    appeal: str
    """What its uploader says to that; empty for nothing."""


@dataclass(frozen=True)
class LikenessHolds:
    """The held assets of every tenant. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock
    entropy: Entropy

    def all(self, by: Caller, after: str = "") -> list[LikenessHold]:
        """A page of the tenant's held assets by id, those after an id. Raises KeyStoreUnavailableError."""
        mine = (
            LikenessHoldRow.tenant_id == by.tenant,
            LikenessHoldRow.asset_id > after,
            LikenessHoldRow.released_at.is_(None),
        )
        assets = select(LikenessHoldRow.asset_id).where(*mine).distinct().order_by(LikenessHoldRow.asset_id).limit(PAGE)
        with self.database.read(by.tenant) as connection:
            ids = connection.execute(assets).scalars().all()
            held = {one: holds_of(connection, by.tenant, AssetId(one)) for one in ids}
        return [self._hold(by.tenant, AssetId(asset), rows) for asset, rows in held.items() if rows]

    def release(self, by: Caller, asset: AssetId, reason: str) -> EntryId:
        """Give it out. Raises AssetNotFoundError, LikenessHoldNotFoundError, AssetGoneError, OwnReviewError."""
        return self._decide(by, asset, RELEASED, AssetReleased(asset, "reviewer", reason))

    def refuse(self, by: Caller, asset: AssetId, reason: str) -> EntryId:
        """Keep it held until its retention ends. Raises as `release`."""
        return self._decide(by, asset, REFUSED, AssetRefused(asset, "reviewer", reason))

    def _decide(self, by: Caller, asset: AssetId, kind: Kind, said: AssetReleased | AssetRefused) -> EntryId:
        draft = self._draft(kind, by.principal, self._subject(by.tenant, asset), said)
        now = milliseconds(self.clock())

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            require_another(connection, by, asset)
            rows = _held(connection, by.tenant, asset)
            lines, ids = [row["line_id"] for row in rows if row["line_id"]], [row["id"] for row in rows]
            if kind is RELEASED:
                release(connection, by.tenant, asset, ids, now)
            else:
                refuse(connection, by.tenant, asset, ids, now)
            decision = Decision.RELEASED if kind is RELEASED else Decision.REFUSED
            decided(connection, by.tenant, lines, decision, draft.id, now)
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def appeal(self, by: Caller, asset: AssetId, statement: str) -> EntryId:
        """The uploader's objection, in their words; a later one takes its place. Raises AssetNotFoundError,
        LikenessHoldNotFoundError, AssetGoneError.
        """
        subject = self._subject(by.tenant, asset)
        draft = self._draft(APPEALED, by.principal, subject, AssetAppealed(asset, statement))
        sealed = seal(subject.key, statement.encode(), _bound(subject), self.entropy)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            if find_row(connection, by.tenant, asset)["principal_id"] != by.principal:
                raise AssetNotFoundError(f"there is no asset {asset}")
            held = _held(connection, by.tenant, asset)
            mine = (LikenessHoldRow.tenant_id == by.tenant, LikenessHoldRow.id == held[0]["id"])
            connection.execute(update(LikenessHoldRow).where(*mine).values(appeal=sealed))
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def end_withdrawn(self) -> int:
        """Let go of what ended registrations hold; how many holds that was. Call until it answers 0.

        Raises KeyStoreUnavailableError.
        """
        with self.database.read(SystemSession.SWEEP) as connection:
            rows = connection.execute(_ENDED).all()
        for (tenant, asset), its in groupby(rows, lambda row: (TenantId(row[0]), AssetId(row[1]))):
            self._end(tenant, asset, [row[2] for row in its])
        return len(rows)

    def _end(self, tenant: TenantId, asset: AssetId, holds: Sequence[str]) -> None:
        try:
            subject = self.ledger.subjects.open(tenant, subject_id(asset))
        except SubjectErasedError:
            return  # and its holds with it
        actor = self.ledger.system_principal(tenant)
        draft = self._draft(RELEASED, actor, subject, AssetReleased(asset, "withdrawal", ""))

        def work(connection: Connection) -> Sequence[Draft]:
            if find_row(connection, tenant, asset)["state"] != AssetState.HELD:
                return []  # it ended since the round read it, and its holds with it
            let_go(connection, tenant, asset, holds)
            return [draft] if give_out(connection, tenant, asset) else []

        self.ledger.record(work, tenant)

    def _hold(self, tenant: TenantId, asset: AssetId, rows: Sequence[RowMapping]) -> LikenessHold:
        appeals = [row["appeal"] for row in rows if row["appeal"]]
        open_ = [row for row in rows if row["refused_at"] is None]
        return LikenessHold(
            asset=asset,
            reason=rows[0]["reason"],
            placed_at=rows[0]["placed_at"],
            refused_at=None if open_ else max(row["refused_at"] for row in rows),
            people=sum(row["registration_id"] is not None for row in rows),
            appeal=self._appeal(tenant, asset, appeals[-1]) if appeals else "",
        )

    def _appeal(self, tenant: TenantId, asset: AssetId, sealed: bytes) -> str:
        try:
            subject = self.ledger.subjects.open(tenant, subject_id(asset))
        except SubjectErasedError:
            return ""  # erased since the row was read
        return unseal(subject.key, sealed, _bound(subject)).decode()

    def _subject(self, tenant: TenantId, asset: AssetId) -> Subject:
        with self.database.read(tenant) as connection:
            _held(connection, tenant, asset)
        return self.ledger.subjects.open(tenant, subject_id(asset))

    def _draft(self, kind: Kind, principal: PrincipalId, subject: Subject, payload: object) -> Draft:
        return self.ledger.draft(kind.name, HOLD_POLICY, principal, subject, payload)


def require_another(connection: Connection, by: Caller, asset: AssetId) -> None:
    """In a unit of work: whoever uploaded an asset, or owns it, does not decide about it. Raises OwnReviewError."""
    row = find_row(connection, by.tenant, asset)
    if by.key is not None and by.principal in (row["principal_id"], row["brought_by"]):
        raise OwnReviewError


def _held(connection: Connection, tenant: TenantId, asset: AssetId) -> Sequence[RowMapping]:
    """Raises AssetNotFoundError, LikenessHoldNotFoundError."""
    find_row(connection, tenant, asset)
    if found := holds_of(connection, tenant, asset):
        return found
    raise LikenessHoldNotFoundError


def _bound(asset: Subject) -> bytes:
    return f"likeness-appeal/v1/{asset.tenant}/{asset.id}".encode()
