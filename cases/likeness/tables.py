"""The tables of this room: random ids, times and ciphertext. What a match was is sealed under the matched person's key.

A hold names asset and registration in clear, as long as it lasts: whoever releases one must find the other.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class MatchRow(Base):
    """One line of a registered person's own log. Their key ends it with everything else of theirs."""

    __tablename__ = "likeness_match"
    __table_args__ = (
        Index(None, "tenant_id", "registration_id", "at"),
        Index(None, "tenant_id", "asker", "at"),
        Index(None, "at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    registration_id: Mapped[SubjectId]
    asker: Mapped[str]
    """HMAC of the principal that brought the file, under a key of the tenant: what rates are counted by."""

    at: Mapped[int]
    response: Mapped[str | None]
    """What the person said to it."""

    response_entry_id: Mapped[EntryId | None]
    sealed: Mapped[bytes]


class LikenessHoldRow(Base):
    """An asset that is not given out, and why; one for each registration that holds it, or one for nobody's."""

    __tablename__ = "likeness_hold"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"]),
        Index(None, "tenant_id", "asset_id"),
        Index(None, "tenant_id", "registration_id"),
        Index(None, "tenant_id", "placed_at"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    registration_id: Mapped[SubjectId | None]
    """None: it could not be looked, or its sender asked for one person too often."""

    reason: Mapped[str]
    placed_at: Mapped[int]
    refused_at: Mapped[int | None]
    """When somebody decided that it stays; nobody has, where it is None."""

    appeal: Mapped[bytes | None]
    """What the uploader says to it, sealed under the asset's key."""


class UncheckedRow(Base):
    """An asset that could not be looked at when it came, and is to be when it can."""

    __tablename__ = "likeness_unchecked"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"]),
        Index(None, "next_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    next_at: Mapped[int]
    sealed: Mapped[bytes]
    """What was declared with it, under the asset's key."""


class CheckRow(Base):
    """A likeness check, for a day: what rates are counted by, and what is answered again under its Idempotency-Key."""

    __tablename__ = "likeness_check"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        Index(None, "tenant_id", "principal_id", "at"),
        Index(None, "at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    at: Mapped[int]
    sealed: Mapped[bytes]
    """Under a key of the tenant."""


class RetroactiveRow(Base):
    """How far what was kept before a registration is looked at. Numbers alone; ends with the registration's key."""

    __tablename__ = "likeness_retroactive"
    __table_args__ = ({"info": TENANT | BOOKKEEPING},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    registration_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    round: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    """The last asset that was looked at."""

    media: Mapped[int]
    looked: Mapped[int]
    found: Mapped[int]
    unseen: Mapped[int]
    began_at: Mapped[int]
    ended_at: Mapped[int | None]
