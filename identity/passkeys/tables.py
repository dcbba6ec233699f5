"""The tables of this room. A passkey's key and its id at the authenticator are sealed under the account's key."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base

_ACCOUNT = (["tenant_id", "account_id"], ["assurance_account.tenant_id", "assurance_account.id"])


class PasskeyRow(Base):
    """A passkey that is bound to an account."""

    __tablename__ = "passkey"
    __table_args__ = (
        ForeignKeyConstraint(*_ACCOUNT),
        Index(None, "tenant_id", "account_id"),
        Index(None, "tenant_id", "mark", unique=True),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    mark: Mapped[str]
    """HMAC of its id at the authenticator."""

    sign_count: Mapped[int]
    """As the authenticator said last."""

    backed_up: Mapped[bool]
    """The same."""

    bound_at: Mapped[int]
    sealed: Mapped[bytes]


class ChallengeRow(Base):
    """A challenge that waits for its answer: random, and of no use to who reads it here."""

    __tablename__ = "passkey_challenge"
    __table_args__ = (Index(None, "expires_at"), {"info": TENANT | BOOKKEEPING})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    challenge: Mapped[str] = mapped_column(primary_key=True)
    """Base64url."""

    purpose: Mapped[str]
    account_id: Mapped[SubjectId | None]
    """Whose: an account, or a registration; of an account that is about to be opened, the id that it will have. None
    where nobody knows yet who signs in.
    """

    nonce: Mapped[bytes]
    expires_at: Mapped[int]


class PersonTokenRow(Base):
    """Somebody who is signed in, by the SHA-256 of their token: a program's, or the one in a browser's cookie."""

    __tablename__ = "person_token"
    __table_args__ = (
        ForeignKeyConstraint(*_ACCOUNT),
        Index(None, "tenant_id", "account_id"),
        Index(None, "digest", unique=True),
        Index(None, "expires_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    passkey_id: Mapped[str]
    """That it came of: a passkey that is removed takes its tokens along."""

    issued_at: Mapped[int]
    expires_at: Mapped[int]
    """Unless it is used before, where it is a session."""

    ends_at: Mapped[int]
    """Whatever happens."""
