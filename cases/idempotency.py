"""Idempotency-Key: the same request twice makes one asset, or one credential.

Rules
- The record commits in the unit of work of what it makes, so there is never one without the other.
- A loser of a race finds the winner's row inside its unit of work, changes nothing, and answers with the winner's.
- What is kept of key and body are HMACs under a key of the tenant, never a bare digest, for a day (docs/privacy.md).
- In a batch a key is of that batch alone, and kept as long (`cases.batches`).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Index, and_, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from cases.batch import Part
from cases.errors import IdempotencyConflictError
from keys.sealing import derive
from ledger.forgetting.subjects import Subject
from ledger.ids import PrincipalId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base

KEPT = timedelta(days=1)
MAX_KEY_LENGTH = 200


class IdempotencyRow(Base):
    """One key, spent."""

    __tablename__ = "idempotency"
    __table_args__ = (
        Index(None, "expires_at"),
        Index(None, "tenant_id", "batch_id"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    asset_id: Mapped[str]
    """Or a credential's."""

    expires_at: Mapped[int]
    batch_id: Mapped[str | None]
    """Null of what belongs to none."""


@dataclass(frozen=True)
class IdempotencyKey:
    """A key as one principal sends it, with the body it came with."""

    tenant: TenantId
    principal: PrincipalId
    key: str
    """HMAC-SHA256 of the key, hex: what a client calls its requests may say whose they are."""

    body: str
    """HMAC-SHA256 of the request, hex."""

    part: Part | None = None
    """Of a batch."""

    @classmethod
    def of(
        cls, system: Subject, principal: PrincipalId, key: str, body: bytes, part: Part | None = None
    ) -> IdempotencyKey:
        """`body` is whatever identifies the request: its canonical claim and the digest of its file."""
        secret = derive(system.key, "idempotency/v1")
        name = f"batch\0{part.batch}\0{key}" if part else f"key\0{key}"
        named, sent = (hmac.new(secret, what, hashlib.sha256).hexdigest() for what in (name.encode(), body))
        return cls(system.tenant, principal, named, sent, part)

    def winner(self, connection: Connection, now: int) -> str | None:
        """The id of what this key already made. Raises IdempotencyConflictError for another body."""
        row = connection.execute(
            select(IdempotencyRow.body, IdempotencyRow.asset_id).where(self._mine, IdempotencyRow.expires_at > now)
        ).one_or_none()
        if row is None:
            return None
        if not hmac.compare_digest(row.body, self.body):
            raise IdempotencyConflictError
        made: str = row.asset_id
        return made

    def spend(self, connection: Connection, made: str, now: int) -> None:
        """Record that the key made this; inside the unit of work that makes it, after `winner` said None."""
        connection.execute(delete(IdempotencyRow).where(self._mine))
        connection.execute(
            insert(IdempotencyRow).values(
                tenant_id=self.tenant,
                principal_id=self.principal,
                key=self.key,
                body=self.body,
                asset_id=made,
                expires_at=self.part.until if self.part else now + int(KEPT.total_seconds() * 1000),
                batch_id=self.part.batch if self.part else None,
            )
        )

    @property
    def _mine(self) -> ColumnElement[bool]:
        return and_(
            IdempotencyRow.tenant_id == self.tenant,
            IdempotencyRow.principal_id == self.principal,
            IdempotencyRow.key == self.key,
        )


def forget_expired(connection: Connection, now: int) -> None:
    """Drop what a day has passed over; bookkeeping."""
    connection.execute(delete(IdempotencyRow).where(IdempotencyRow.expires_at <= now))
