"""Credentials that were issued, as rows: for whom, what kind, until when. Nothing of what they say.

Where the status of one is, `identity.status.lists` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from sqlalchemy import Connection, ForeignKeyConstraint, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from identity.errors import CredentialUnknownError
from ledger.ids import EntryId, PrincipalId, TenantId, may_be_stored
from ledger.storage.tables import TENANT, Base

CredentialId = NewType("CredentialId", str)


class CredentialRow(Base):
    """One credential."""

    __tablename__ = "credential"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    type: Mapped[str]
    format: Mapped[str]
    key: Mapped[str]
    issued_at: Mapped[int]
    ends_at: Mapped[int | None]
    entry_id: Mapped[EntryId]


@dataclass(frozen=True)
class IssuedCredential:
    """What is kept of one."""

    tenant: TenantId
    id: CredentialId
    principal: PrincipalId
    type: str
    format: str
    key: str
    issued_at: int
    """Unix milliseconds."""

    ends_at: int | None
    entry: EntryId


def add(connection: Connection, one: IssuedCredential) -> None:
    """In the unit of work that records the issuing."""
    row = {
        "tenant_id": one.tenant,
        "id": one.id,
        "principal_id": one.principal,
        "type": one.type,
        "format": one.format,
        "key": one.key,
        "issued_at": one.issued_at,
        "ends_at": one.ends_at,
        "entry_id": one.entry,
    }
    connection.execute(insert(CredentialRow), row)


def find(connection: Connection, tenant: TenantId, credential: str) -> IssuedCredential:
    """One of a tenant's. Raises CredentialUnknownError."""
    its = (CredentialRow.tenant_id == tenant, CredentialRow.id == credential)
    found = select(CredentialRow.__table__).where(*its)
    row = connection.execute(found).mappings().one_or_none() if may_be_stored(credential) else None
    if row is None:
        raise CredentialUnknownError("there is no credential of that id in this tenant")
    kept = {name: row[name] for name in ("type", "format", "key", "issued_at", "ends_at")}
    principal, entry = PrincipalId(row["principal_id"]), EntryId(row["entry_id"])
    return IssuedCredential(tenant, CredentialId(row["id"]), principal, entry=entry, **kept)
