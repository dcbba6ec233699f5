"""The tables of this room: random ids, times and ciphertext. What a match was is sealed under the matched person's key.

A hold names asset and registration in clear, as long as it holds: whoever releases one must find the other.
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
    decision: Mapped[str | None]
    """What a reviewer decided of what is held for it, the last time; neither who nor why."""

    decided_at: Mapped[int | None]
    decision_entry_id: Mapped[EntryId | None]
    sealed: Mapped[bytes]


class LikenessHoldRow(Base):
    """Why an asset is not given out, or was not: one for each registration that holds it, or one for nobody's. One that
    somebody ended stays, without the registration, for as long as the asset: what was decided is not asked again.
    """

    __tablename__ = "likeness_hold"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"]),
        Index(None, "tenant_id", "asset_id"),
        Index(None, "tenant_id", "registration_id"),
        Index(None, "ended"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    registration_id: Mapped[SubjectId | None]
    """None: it could not be looked, its sender asked for one person too often, it was released, or the registration
    has ended and somebody had decided that it stays.
    """

    whose: Mapped[str]
    """HMAC under the asset's key of the person and what they refuse, whichever registration of theirs it is; of nobody,
    where it is nobody's.
    """

    line_id: Mapped[str | None]
    """Of the person's own log, where the decision is shown."""

    ended: Mapped[int]
    """1 once the registration has ended: it is let go of with the next round."""

    reason: Mapped[str]
    placed_at: Mapped[int]
    refused_at: Mapped[int | None]
    """When somebody decided that it stays; nobody has, where it is None."""

    released_at: Mapped[int | None]
    """When somebody decided that it does not; it holds nothing from then on."""

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
    """How far what was kept before a registration is looked at. Numbers alone; made with the registration, and gone
    with its key.
    """

    __tablename__ = "likeness_retroactive"
    __table_args__ = (Index(None, "ended_at", "since"), {"info": TENANT | BOOKKEEPING})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    registration_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    round: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[int]
    """When it became due: the oldest come first."""

    cursor: Mapped[str]
    """The last asset that was looked at."""

    media: Mapped[int]
    looked: Mapped[int]
    found: Mapped[int]
    unseen: Mapped[int]
    began_at: Mapped[int | None]
    ended_at: Mapped[int | None]
