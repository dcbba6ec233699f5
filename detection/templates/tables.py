"""The tables of this room. A row says that a random id has so many templates, by which model; the rest is ciphertext.

All of it follows from registrations, which are decided, and recorded, elsewhere: these rows change in their units of
work, or as bookkeeping where a template is only made anew.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class FaceRotation(Base):
    """A version of a tenant's rotation key: the subject whose key it follows from. The highest is for new templates."""

    __tablename__ = "face_rotation"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "subject_id"], ["subject_key.tenant_id", "subject_key.id"]),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject_id: Mapped[SubjectId]


class FaceBank(Base):
    """How often a tenant's templates changed: what an index follows."""

    __tablename__ = "face_bank"
    __table_args__ = ({"info": TENANT | BOOKKEEPING},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    changes: Mapped[int]


class FaceTemplate(Base):
    """One photo's template and embedding, sealed under their owner's key."""

    __tablename__ = "face_template"
    __table_args__ = (
        # Nobody's key goes while this is there, and no rotation that it was made under.
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["subject_key.tenant_id", "subject_key.id"]),
        ForeignKeyConstraint(["tenant_id", "rotation"], ["face_rotation.tenant_id", "face_rotation.version"]),
        Index(None, "tenant_id", "row", unique=True),
        Index(None, "tenant_id", "changed", unique=True),
        Index(None, "tenant_id", "rotation"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    owner_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int]
    """Its number in the index: the change that it came with."""

    changed: Mapped[int]
    """The change that last touched it."""

    rotation: Mapped[int]
    model: Mapped[str]
    template: Mapped[bytes]
    embedding: Mapped[bytes]


class FaceRemoval(Base):
    """A row that is gone, for indexes that still hold it; forgotten some changes later."""

    __tablename__ = "face_removal"
    __table_args__ = (Index(None, "tenant_id", "change"), {"info": TENANT | BOOKKEEPING})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[int]
