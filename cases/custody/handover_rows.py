"""The rows of hand-overs, read and written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from cases.asset import AssetId
from cases.custody.tables import HandoverRow
from ledger.ids import EntryId, PrincipalId, TenantId


def open_offer(connection: Connection, tenant: TenantId, asset: AssetId) -> RowMapping | None:
    """The offer of an asset that nobody has answered; there is one at most."""
    mine = (HandoverRow.tenant_id == tenant, HandoverRow.asset_id == asset, HandoverRow.accepted_at.is_(None))
    return connection.execute(select(HandoverRow.__table__).where(*mine)).mappings().one_or_none()


def handed_over(connection: Connection, tenant: TenantId, assets: Sequence[AssetId]) -> Sequence[RowMapping]:
    """Every hand-over of these that was accepted, the oldest first."""
    theirs = (HandoverRow.tenant_id == tenant, HandoverRow.asset_id.in_(assets), HandoverRow.accepted_at.is_not(None))
    ordered = select(HandoverRow.__table__).where(*theirs).order_by(HandoverRow.accepted_at)
    return connection.execute(ordered).mappings().all()


def offered_to(
    connection: Connection, tenant: TenantId, principal: PrincipalId, after: str, limit: int
) -> Sequence[RowMapping]:
    """A page of what waits for that principal's answer, by offer, those after one."""
    theirs = (
        HandoverRow.tenant_id == tenant,
        HandoverRow.to_principal == principal,
        HandoverRow.accepted_at.is_(None),
        HandoverRow.offer_id > after,
    )
    page = select(HandoverRow.__table__).where(*theirs).order_by(HandoverRow.offer_id).limit(limit)
    return connection.execute(page).mappings().all()


def insert_offer(connection: Connection, offer: dict[str, object]) -> None:
    """Write a new offer; inside a unit of work."""
    connection.execute(insert(HandoverRow), offer)


def drop_offer(connection: Connection, tenant: TenantId, offer: EntryId) -> None:
    """It was declined or withdrawn, or another took its place."""
    connection.execute(delete(HandoverRow).where(HandoverRow.tenant_id == tenant, HandoverRow.offer_id == offer))


def mark_accepted(connection: Connection, tenant: TenantId, offer: EntryId, entry: EntryId, now: int) -> None:
    """It was accepted, by that entry."""
    mine = (HandoverRow.tenant_id == tenant, HandoverRow.offer_id == offer)
    connection.execute(update(HandoverRow).where(*mine).values(accepted_at=now, entry_id=entry))


def drop_handovers(connection: Connection, tenant: TenantId, asset: AssetId) -> None:
    """All there were of an asset that is erased."""
    connection.execute(delete(HandoverRow).where(HandoverRow.tenant_id == tenant, HandoverRow.asset_id == asset))
