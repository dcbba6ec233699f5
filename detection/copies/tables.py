"""The tables of this room. A row says that a random id has a fingerprint; the rest is ciphertext.

All of it follows from registrations, which are decided, and recorded, elsewhere: rows change in their units of work.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class PictureBankRow(Base):
    """How often a tenant's fingerprints changed: what an index follows."""

    __tablename__ = "picture_bank"
    __table_args__ = ({"info": TENANT | BOOKKEEPING},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    changes: Mapped[int]


class PictureFingerprint(Base):
    """One picture's fingerprint, sealed under its owner's key."""

    __tablename__ = "picture_fingerprint"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["subject_key.tenant_id", "subject_key.id"]),
        Index(None, "tenant_id", "row", unique=True),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    owner_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    row: Mapped[int]
    """The change that it came with, and its number in the index."""

    sealed: Mapped[bytes]


class CommonPicture(Base):
    """A picture that everybody has, by its hash: nobody's, and so not sealed."""

    __tablename__ = "common_picture"
    __table_args__ = (Index(None, "tenant_id", "entry_id"), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    pdq: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[EntryId]
    """That it was added by: the picture's name, for its hashes are several."""
