"""The tables of this room: ids, states, times and ciphertext. What a person refuses is sealed under their own key."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class RegistrationRow(Base):
    """A registration. Its id is that of its subject; what ended keeps its row, without anything sealed."""

    __tablename__ = "registration"
    __table_args__ = (
        Index(None, "tenant_id", "account_id", "created_at"),
        Index(None, "tenant_id", "principal_id", "created_at"),
        Index(None, "tenant_id", "created_at"),
        Index(None, "id", unique=True),
        Index(None, "state", "expires_at"),
        Index(None, "state", "leaving_at"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[SubjectId] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    principal_id: Mapped[PrincipalId]
    """Who brought it."""

    kind: Mapped[str]
    state: Mapped[str]
    own: Mapped[int]
    """1 where the account's holder registered themselves."""

    sealed: Mapped[bytes | None]
    recovery: Mapped[str | None]
    """Argon2id of the recovery code (PHC string)."""

    credential_id: Mapped[str | None]
    holder: Mapped[str | None]
    """HMAC, under the registration's key, of the key that its credential is bound to; none where it is to none."""

    created_at: Mapped[int]
    expires_at: Mapped[int]
    leaving_at: Mapped[int | None]
    """When a withdrawal that was asked for takes effect."""

    entry_id: Mapped[EntryId]


class HoldRow(Base):
    """A registration that a person has to look at, and what they decided."""

    __tablename__ = "registration_hold"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.id"]),
        Index(None, "tenant_id", "registration_id", unique=True),
        Index(None, "tenant_id", "state", "placed_at"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    registration_id: Mapped[SubjectId]
    state: Mapped[str]
    placed_at: Mapped[int]
    decided_at: Mapped[int | None]
    sealed: Mapped[bytes | None]
    """Why, and which registrations are alike, under the held one's key."""

    entry_id: Mapped[EntryId]
    """Of placing it, then of deciding it."""


class NoticeRow(Base):
    """What a person is to be told of a registration, and whether it went."""

    __tablename__ = "registration_notice"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.id"]),
        Index(None, "due_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    registration_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(primary_key=True)
    about_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """When what it tells of happened, or will."""

    due_at: Mapped[int | None]
    """When to try next; none once it went, or there is nobody to send it to."""

    tries: Mapped[int]
    sent_at: Mapped[int | None]
