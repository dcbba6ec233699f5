"""Holds as rows: inside units of work alone.

An asset is held as long as it has one that is not released; each is of one registration, or of none. Whoever asks for
whose it is has the registration's key, or a reviewer's scope.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, or_, select, update

from cases.asset import AssetId, HeldFor, mark_released
from cases.likeness.tables import LikenessHoldRow, UncheckedRow
from keys.sealing import derive
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId

NOBODY: Final = ""
"""Whose hold it is where nobody could look."""


def whose(asset: Subject, who: str) -> str:
    """Somebody (`Sighted.who`, or NOBODY) as a hold of this asset names them."""
    return hmac.digest(derive(asset.key, "likeness/v1/whose"), who.encode(), "sha256").hex()


def insert_holds(connection: Connection, holds: Sequence[Mapping[str, Any]]) -> None:
    """Rows made before."""
    connection.execute(insert(LikenessHoldRow), list(holds))


def holds_of(connection: Connection, tenant: TenantId, asset: AssetId) -> Sequence[RowMapping]:
    """What holds an asset, the oldest first."""
    rows = select(LikenessHoldRow.__table__).where(*_of(tenant, asset), LikenessHoldRow.released_at.is_(None))
    return connection.execute(rows.order_by(LikenessHoldRow.placed_at, LikenessHoldRow.id)).mappings().all()


def settled(connection: Connection, tenant: TenantId, asset: AssetId) -> Collection[str]:
    """For whom (`whose`) nothing more is held: somebody released it, or it is held for want of a look already. What
    stays held of an ended registration (`let_go`) settles nothing: who registers anew decides anew.
    """
    stands = or_(
        LikenessHoldRow.released_at.is_not(None),
        LikenessHoldRow.refused_at.is_(None),
        LikenessHoldRow.reason == HeldFor.UNCHECKED,
    )
    mine = (*_of(tenant, asset), LikenessHoldRow.registration_id.is_(None), stands)
    there = select(LikenessHoldRow.whose).where(*mine)
    return set(connection.execute(there).scalars())


def release(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str], now: int) -> bool:
    """Somebody decided that these hold no longer; whether the asset is given out from now on, as without any."""
    mine = (*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds)))
    over = {"released_at": now, "registration_id": None, "line_id": None, "appeal": None, "ended": 0}
    connection.execute(update(LikenessHoldRow).where(*mine).values(**over))
    return give_out(connection, tenant, asset)


def refuse(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str], now: int) -> None:
    """Somebody decided that these stay."""
    mine = (*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds)))
    connection.execute(update(LikenessHoldRow).where(*mine).values(refused_at=now))


def drop(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str]) -> None:
    """These are over, and nobody decided so."""
    connection.execute(delete(LikenessHoldRow).where(*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds))))


def let_go(connection: Connection, tenant: TenantId, asset: AssetId, holds: Sequence[str]) -> None:
    """The registrations of these have ended: those that nobody decided are over; of which somebody decided that they
    stay, they stay, and name no registration any more.
    """
    mine = (*_of(tenant, asset), LikenessHoldRow.id.in_(list(holds)))
    apart = update(LikenessHoldRow).where(*mine, LikenessHoldRow.refused_at.is_not(None))
    connection.execute(apart.values(registration_id=None, line_id=None, ended=0))
    connection.execute(delete(LikenessHoldRow).where(*mine, LikenessHoldRow.refused_at.is_(None)))


def give_out(connection: Connection, tenant: TenantId, asset: AssetId) -> bool:
    """Give an asset out that nothing holds any more; whether that is so."""
    if holds_of(connection, tenant, asset):
        return False
    mark_released(connection, tenant, asset)
    return True


def end_holds(connection: Connection, tenant: TenantId, registration: SubjectId) -> None:
    """In the unit of work that destroys a registration's key: the next round lets go (`let_go`)."""
    mine = (LikenessHoldRow.tenant_id == tenant, LikenessHoldRow.registration_id == registration)
    connection.execute(update(LikenessHoldRow).where(*mine).values(ended=1))


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
