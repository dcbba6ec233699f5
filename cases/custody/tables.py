"""Hand-overs of assets, offered and done, and what other deployments said of files. Random ids, times and labels; what
was found of a bundle is sealed under the tenant's system subject, and of an asset under its own.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class HandoverRow(Base):
    """One offer, by its entry. One that is declined or withdrawn goes; one that was accepted stays with its asset."""

    __tablename__ = "handover"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"]),
        Index(None, "tenant_id", "asset_id"),
        Index(None, "tenant_id", "to_principal", "offer_id"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    offer_id: Mapped[EntryId] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    from_principal: Mapped[PrincipalId]
    to_principal: Mapped[PrincipalId]
    offered_at: Mapped[int]
    accepted_at: Mapped[int | None]
    entry_id: Mapped[EntryId | None]
    """That it was handed over; null until then."""


class CustodyImportRow(Base):
    """One bundle that was brought here, by its entry."""

    __tablename__ = "custody_import"
    __table_args__ = (Index(None, "tenant_id", "manifest_label"), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    entry_id: Mapped[EntryId] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    manifest_label: Mapped[str]
    imported_at: Mapped[int]
    found: Mapped[bytes]


class TraceRow(Base):
    """What an asset was found to be, while it holds (`trace_rows`): nothing rests on its being there."""

    __tablename__ = "trace"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["subject_key.tenant_id", "subject_key.id"]),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    asset_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
