"""Every DID document the deployment had, as rows that are only added: the newest is in force, for every process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from identity.issuing.decisions import IssuerKeyChanged
from identity.issuing.did_document import Method, methods_in
from keys.signer import KeyRef
from ledger.ids import EntryId, TenantId
from ledger.storage.database import Database
from ledger.storage.tables import TENANT, Base
from ledger.storage.tenancy import SystemSession


class DidDocumentRow(Base):
    """One document that was in force; of the home tenant."""

    __tablename__ = "did_document"
    __table_args__ = ({"info": TENANT | {"appended": True}},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[str]
    signing: Mapped[str]
    retired: Mapped[str]
    reasons: Mapped[str]
    entry_id: Mapped[EntryId]
    created_at: Mapped[int]


NOT_YET: Final = EntryId("")
"""The entry of one that is not recorded."""


@dataclass(frozen=True)
class Edition:
    """One document, from when it was in force, and the entry that says so."""

    number: int
    """From 1."""

    document: Mapping[str, Any]
    signing: tuple[KeyRef, ...]
    retired: tuple[KeyRef, ...]
    reasons: tuple[str, ...]
    entry: EntryId = NOT_YET
    created_at: int = 0
    """Unix milliseconds."""

    @property
    def did(self) -> str:
        """Whose document it is."""
        return str(self.document["id"])

    @property
    def methods(self) -> Mapping[KeyRef, Method]:
        """The keys it lists."""
        return {method.ref: method for method in methods_in(self.document)}

    @property
    def decision(self) -> IssuerKeyChanged:
        """What its entry binds."""
        revoked = tuple(str(ref) for ref, method in self.methods.items() if method.revoked)
        digest = sha256(self.text.encode()).hexdigest()
        return IssuerKeyChanged(self.did, digest, _texts(self.signing), _texts(self.retired), revoked, self.reasons)

    @property
    def text(self) -> str:
        """The document as it is kept and served."""
        return json.dumps(self.document)


def add(connection: Connection, tenant: TenantId, edition: Edition) -> bool:
    """In a unit of work: add it, unless somebody else added one meanwhile; whether it was."""
    before = newest(connection, tenant)
    if (before.number if before else 0) + 1 != edition.number:
        return False
    row = {
        "tenant_id": tenant,
        "number": edition.number,
        "document": edition.text,
        "signing": json.dumps(_texts(edition.signing)),
        "retired": json.dumps(_texts(edition.retired)),
        "reasons": json.dumps(edition.reasons),
        "entry_id": edition.entry,
        "created_at": edition.created_at,
    }
    connection.execute(insert(DidDocumentRow), row)
    return True


def newest(connection: Connection, tenant: TenantId) -> Edition | None:
    """The document in force; None before the first."""
    mine = select(DidDocumentRow.__table__).where(DidDocumentRow.tenant_id == tenant)
    row = connection.execute(mine.order_by(DidDocumentRow.number.desc()).limit(1)).mappings().one_or_none()
    return _edition(row) if row else None


def revoked_keys(database: Database) -> frozenset[str]:
    """The versions that assert nothing any more, whichever tenant is home. Raises DatabaseUnavailableError."""
    latest = select(DidDocumentRow.__table__).order_by(DidDocumentRow.number.desc()).limit(1)
    with database.read(SystemSession.REVOCATION) as connection:
        row = connection.execute(latest).mappings().one_or_none()
    methods = _edition(row).methods if row else {}
    return frozenset(str(ref) for ref, method in methods.items() if method.revoked)


def all_of(connection: Connection, tenant: TenantId) -> Sequence[Edition]:
    """Every document, oldest first."""
    mine = select(DidDocumentRow.__table__).where(DidDocumentRow.tenant_id == tenant)
    return [_edition(row) for row in connection.execute(mine.order_by(DidDocumentRow.number)).mappings()]


def _edition(row: RowMapping) -> Edition:
    signing, retired = (tuple(map(KeyRef.parse, json.loads(row[name]))) for name in ("signing", "retired"))
    reasons = tuple(json.loads(row["reasons"]))
    document = json.loads(row["document"])
    return Edition(row["number"], document, signing, retired, reasons, EntryId(row["entry_id"]), row["created_at"])


def _texts(refs: Sequence[KeyRef]) -> tuple[str, ...]:
    return tuple(map(str, refs))
