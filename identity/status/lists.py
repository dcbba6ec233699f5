"""Status lists as rows: who has which place in which list, and how that credential stands.

Rules
- A place is drawn before the credential is signed, for the signature covers it, and taken in the unit of work that
  records the issuing. Two that drew the same one: the second to commit draws and signs again. Whoever is killed in
  between took nothing.
- A place is one in all forms of its list (`identity.status.publishing`): what it stands at is one number.
- A list whose places are mostly taken gives no more of them, and the next one begins; nothing is counted for that.
- Revoked is for ever. Suspended ends, by reinstating or revoking.
- Rows say nothing of what a credential says. Lists are tenants' own, and public.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NewType

from sqlalchemy import Connection, ForeignKeyConstraint, Index, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from identity.errors import (
    CredentialUnknownError,
    PlaceTakenError,
    RevokedForEverError,
    StatusListFullError,
    StatusListUnknownError,
)
from identity.status.status_list import BITSTRING, draw_place
from identity.status.token import Status
from keys.clock import Entropy
from ledger.ids import TenantId, may_be_stored, new_id
from ledger.storage.database import Database
from ledger.storage.tables import BOOKKEEPING, TENANT, Base

ListId = NewType("ListId", str)

PLACES = BITSTRING.fewest
"""Of one list: what the W3C asks for, for the holder's privacy among others, and 16 KiB."""


class StatusListRow(Base):
    """One list of a tenant. That one begins decides nothing."""

    __tablename__ = "status_list"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        Index(None, "tenant_id", "number", unique=True),
        Index(None, "id", unique=True),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    """The tenant's first is 1; places are drawn in the last."""

    changes: Mapped[int]
    """How often a status in it changed: who publishes it sees by that whether to sign it anew."""


class StatusPlaceRow(Base):
    """One place that is taken. Its key is why no two credentials share one."""

    __tablename__ = "status_place"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "list_id"], ["status_list.tenant_id", "status_list.id"]),
        Index(None, "tenant_id", "credential_id", unique=True),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    credential_id: Mapped[str]
    status: Mapped[int]


@dataclass(frozen=True)
class Place:
    """Where a credential's status is."""

    list: ListId
    number: int


@dataclass(frozen=True)
class Standing:
    """How a credential stands."""

    place: Place
    status: Status


@dataclass(frozen=True)
class StatusLists:
    """The lists of every tenant. Safe to use from many threads."""

    database: Database
    entropy: Entropy

    def draw(self, tenant: TenantId) -> Place:
        """A place that is free now, in the tenant's last list or the first place of a new one.

        Raises DatabaseUnavailableError.
        """
        with self.database.read(tenant) as connection:
            last, _ = _last(connection, tenant)
            with suppress(StatusListFullError):
                if last is not None:
                    return Place(last, draw_place(PLACES, partial(_is_taken, connection, tenant, last), self.entropy))
        new = ListId(new_id("stl", self.entropy))
        begun = self.database.write(partial(_begin, tenant=tenant, new=new, after=last))
        return Place(begun, draw_place(PLACES, lambda _: False, self.entropy))


def take(connection: Connection, tenant: TenantId, place: Place, credential: str) -> None:
    """In the unit of work that records the issuing: the place is this credential's. Raises PlaceTakenError."""
    row = {"tenant_id": tenant, "list_id": place.list, "place": place.number, "credential_id": credential, "status": 0}
    try:
        connection.execute(insert(StatusPlaceRow), row)
    except IntegrityError as error:
        raise PlaceTakenError("somebody else was given that place meanwhile: draw another, and sign again") from error


def change(connection: Connection, tenant: TenantId, credential: str, to: Status) -> Standing:
    """In a unit of work: let a credential stand so; how it stood before. Without an entry, nothing may change.

    Raises CredentialUnknownError, RevokedForEverError.
    """
    before = standing(connection, tenant, credential)
    if before.status is to:
        return before
    if before.status is Status.INVALID:
        raise RevokedForEverError("nothing undoes a revocation: issue another credential")
    its = (StatusPlaceRow.tenant_id == tenant, StatusPlaceRow.credential_id == credential)
    connection.execute(update(StatusPlaceRow).where(*its).values(status=int(to)))
    lists = (StatusListRow.tenant_id == tenant, StatusListRow.id == before.place.list)
    connection.execute(update(StatusListRow).where(*lists).values(changes=StatusListRow.changes + 1))
    return before


def standing(connection: Connection, tenant: TenantId, credential: str) -> Standing:
    """How a credential stands. Raises CredentialUnknownError."""
    columns = select(StatusPlaceRow.list_id, StatusPlaceRow.place, StatusPlaceRow.status)
    its = (StatusPlaceRow.tenant_id == tenant, StatusPlaceRow.credential_id == credential)
    row = connection.execute(columns.where(*its)).one_or_none() if may_be_stored(credential) else None
    if row is None:
        raise CredentialUnknownError(
            "there is no credential of that id in this tenant whose status can change; short-lived ones have none"
        )
    return Standing(Place(ListId(row.list_id), row.place), Status(row.status))


def changes(connection: Connection, listed: ListId) -> int:
    """How often a status in a list changed, whoever's it is. Raises StatusListUnknownError."""
    counted = select(StatusListRow.changes).where(StatusListRow.id == listed)
    found: int | None = connection.execute(counted).scalar() if may_be_stored(listed) else None
    if found is None:
        raise StatusListUnknownError("there is no such status list here")
    return found


def marked(connection: Connection, listed: ListId) -> Mapping[int, int]:
    """The places of a list at which not all is well, with what they stand at."""
    columns = select(StatusPlaceRow.place, StatusPlaceRow.status)
    rows = connection.execute(columns.where(StatusPlaceRow.list_id == listed, StatusPlaceRow.status != 0))
    return {row.place: row.status for row in rows}


def _last(connection: Connection, tenant: TenantId) -> tuple[ListId | None, int]:
    """The tenant's last list and its number; None and 0 where it has none."""
    mine = select(StatusListRow.id, StatusListRow.number).where(StatusListRow.tenant_id == tenant)
    row = connection.execute(mine.order_by(StatusListRow.number.desc()).limit(1)).one_or_none()
    return (ListId(row.id), row.number) if row else (None, 0)


def _begin(connection: Connection, tenant: TenantId, new: ListId, after: ListId | None) -> ListId:
    """The list after one, begun if nobody else did."""
    last, number = _last(connection, tenant)
    if last is not None and last != after:
        return last
    row = {"tenant_id": tenant, "id": new, "number": number + 1, "changes": 0}
    connection.execute(insert(StatusListRow), row)
    return new


def _is_taken(connection: Connection, tenant: TenantId, listed: ListId, place: int) -> bool:
    its = (StatusPlaceRow.tenant_id == tenant, StatusPlaceRow.list_id == listed, StatusPlaceRow.place == place)
    return connection.execute(select(StatusPlaceRow.status).where(*its)).scalar() is not None
