"""The tables of this room: ids, times and ciphertext. What evidence an account has is sealed under its key."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base


class AccountRow(Base):
    """An account, of a platform's or of a person's own. Its id is that of its subject; what the platform calls it is
    kept as an HMAC.
    """

    __tablename__ = "assurance_account"
    __table_args__ = (Index(None, "tenant_id", "handle", unique=True), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[SubjectId] = mapped_column(primary_key=True)
    handle: Mapped[str]
    principal_id: Mapped[PrincipalId | None]
    """The person who opened it for themselves; None for a platform's."""

    opened_at: Mapped[int]
    entry_id: Mapped[EntryId]


class RequestRow(Base):
    """Evidence that was asked for. Spent and ended ones stay for an hour: they are what rates are counted by."""

    __tablename__ = "assurance_request"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "account_id"], ["assurance_account.tenant_id", "assurance_account.id"]),
        Index(None, "id", unique=True),
        Index(None, "tenant_id", "account_id"),
        Index(None, "tenant_id", "target"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    target: Mapped[str | None]
    """HMAC of the address or number a message goes to."""

    state: Mapped[str]
    attempts: Mapped[int]
    begun_at: Mapped[int]
    expires_at: Mapped[int]
    sealed: Mapped[bytes]


class EvidenceRow(Base):
    """Evidence that was found good, as long as it counts."""

    __tablename__ = "assurance_evidence"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "account_id"], ["assurance_account.tenant_id", "assurance_account.id"]),
        Index(None, "tenant_id", "account_id"),
        Index(None, "tenant_id", "mark"),
        Index(None, "request_id"),
        Index(None, "expires_at"),
        Index(None, "policy"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    request_id: Mapped[str | None]
    mark: Mapped[str | None]
    """HMAC of what other accounts could show, too: an address, a number, a login."""

    policy: Mapped[str]
    """SHA-256 of the policy it was judged by last."""

    granted_at: Mapped[int]
    expires_at: Mapped[int]
    sealed: Mapped[bytes]


class StatedRow(Base):
    """A credential that says an account's tier, until it ends or is revoked."""

    __tablename__ = "assurance_credential"
    __table_args__ = (
        Index(None, "tenant_id", "account_id"),
        Index(None, "doubted"),
        Index(None, "expires_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    credential_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[SubjectId]
    """Outlives the account by the seconds that revoking takes."""

    tier: Mapped[str]
    doubted: Mapped[int]
    """1 where the account does not have that tier any more: to be revoked."""

    expires_at: Mapped[int]
