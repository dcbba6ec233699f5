"""The tables of this room: random ids and hashes, nothing else. What is in the index is not copied here."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class GenerationRow(Base):
    """The last generation of a tenant's index."""

    __tablename__ = "index_generation"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    number: Mapped[int]
    changes: Mapped[int]
    """How often what is searched had changed when it was read."""

    entry_id: Mapped[EntryId]


class AbsenceRow(Base):
    """What left the index; with its proof once a generation without it is committed."""

    __tablename__ = "index_absence"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        Index(None, "id", unique=True),
        Index(None, "entry_id", "tenant_id"),
        Index(None, "left_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[SubjectId] = mapped_column(primary_key=True)
    """A registration's, when it was one."""

    left_at: Mapped[int]
    entry_id: Mapped[EntryId | None]
    """Of the first generation without it; none while there is none."""

    proof: Mapped[bytes | None]
    """All of the proof but the receipt (`detection.generations.absence`)."""
