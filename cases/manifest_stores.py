"""The manifest stores of assets, each sealed under its asset's key.

They have a table of their own: one takes up to 16 MiB, and hardly anybody who looks at an asset's row wants it. On
SQLite it would even be read to reach a column that stands behind it, and written again with each change of its row.
"""

from __future__ import annotations

from sqlalchemy import Connection, ForeignKeyConstraint, bindparam, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject
from ledger.ids import TenantId
from ledger.storage.tables import TENANT, Base


class ManifestStoreRow(Base):
    """One of them, until its asset is erased."""

    __tablename__ = "manifest_store"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"]),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]


_MINE = (ManifestStoreRow.tenant_id == bindparam("tenant"), ManifestStoreRow.asset_id == bindparam("asset"))
_SEALED = select(ManifestStoreRow.sealed).where(*_MINE)
_DROP = delete(ManifestStoreRow).where(*_MINE)


def seal_store(subject: Subject, store: bytes, entropy: Entropy) -> bytes:
    """What to insert of it."""
    return seal(subject.key, store, _bound(subject), entropy)


def sealed_store(connection: Connection, tenant: TenantId, asset: str) -> bytes | None:
    """That of an asset; None of one that is erased."""
    found: bytes | None = connection.execute(_SEALED, {"tenant": tenant, "asset": asset}).scalar()
    return found


def open_store(subject: Subject, sealed: bytes) -> bytes:
    """Open it. Raises SealBrokenError."""
    return unseal(subject.key, sealed, _bound(subject))


def drop_store(connection: Connection, tenant: TenantId, asset: str) -> None:
    """Of an asset that is erased."""
    connection.execute(_DROP, {"tenant": tenant, "asset": asset})


def _bound(subject: Subject) -> bytes:
    return f"asset/v1/{subject.tenant}/{subject.id}/manifest_store".encode()
