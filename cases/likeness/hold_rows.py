"""Holds as rows: inside units of work alone.

An asset is held as long as it has one; each is of one registration, or of none. Whoever asks for whose it is has the
registration's key, or a reviewer's scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from cases.asset import AssetId, mark_released
from cases.likeness.tables import LikenessHoldRow, UncheckedRow
from ledger.ids import TenantId


def insert_holds(connection: Connection, holds: Sequence[Mapping[str, Any]]) -> None:
    """Rows made before."""
    connection.execute(insert(LikenessHoldRow), list(holds))


def holds_of(connection: Connection, tenant: TenantId, asset: AssetId) -> Sequence[RowMapping]:
    """What holds an asset, the oldest first."""
    rows = select(LikenessHoldRow.__table__).where(*_of(tenant, asset))
    return connection.execute(rows.order_by(LikenessHoldRow.placed_at, LikenessHoldRow.id)).mappings().all()


def drop(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str]) -> bool:
    """End some of an asset's holds; whether it is given out from now on, as it is without any."""
    connection.execute(delete(LikenessHoldRow).where(*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds))))
    if holds_of(connection, tenant, asset):
        return False
    mark_released(connection, tenant, asset)
    return True


def refuse(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str], now: int) -> None:
    """Somebody decided that these stay."""
    mine = (*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds)))
    connection.execute(update(LikenessHoldRow).where(*mine).values(refused_at=now))


def drop_holds(connection: Connection, tenant: TenantId, asset: AssetId) -> None:
    """The media are gone: there is nothing left to hold, or to look at."""
    connection.execute(delete(LikenessHoldRow).where(*_of(tenant, asset)))
    drop_unchecked(connection, tenant, asset)


def drop_unchecked(connection: Connection, tenant: TenantId, asset: AssetId) -> bool:
    """It need not be looked at any more; whether it had to be."""
    mine = (UncheckedRow.tenant_id == tenant, UncheckedRow.asset_id == asset)
    return connection.execute(delete(UncheckedRow).where(*mine)).rowcount > 0


def _of(tenant: TenantId, asset: AssetId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LikenessHoldRow.tenant_id == tenant, LikenessHoldRow.asset_id == asset
