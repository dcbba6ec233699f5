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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from sqlalchemy import Connection, Index, bindparam, delete, insert, select
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

    said: bytes = field(repr=False)
    """Whatever identifies the request: of an upload, what came beside its file."""

    part: Part | None = None
    """Of a batch."""

    file: Callable[[], str] = field(default=str, repr=False)
    """SHA-256 of the file, hexadecimal; empty where there is none. Asked for only where the key was spent, and to spend
    it.
    """

    _secret: bytes = field(repr=False, kw_only=True)

    @cached_property
    def body(self) -> str:
        """HMAC-SHA256 of the request, hex."""
        return hmac.new(self._secret, self.said + self.file().encode(), hashlib.sha256).hexdigest()

    @classmethod
    def of(
        cls,
        system: Subject,
        principal: PrincipalId,
        key: str,
        said: bytes,
        part: Part | None = None,
        file: Callable[[], str] = str,
    ) -> IdempotencyKey:
        """Of a tenant, by its system subject."""
        secret = derive(system.key, "idempotency/v1")
        name = f"batch\0{part.batch}\0{key}" if part else f"key\0{key}"
        named = hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()
        return cls(system.tenant, principal, named, said, part, file, _secret=secret)

    def winner(self, connection: Connection, now: int) -> str | None:
        """The id of what this key already made. Raises IdempotencyConflictError for another body."""
        made = winners(connection, [self], now).get(self.key)
        if isinstance(made, IdempotencyConflictError):
            raise made
        return made

    def spend(self, connection: Connection, made: str, now: int) -> None:
        """Record that the key made this; inside the unit of work that makes it, after `winner` said None."""
        spend_all(connection, [(self, made)], now)


_THEIRS = (
    IdempotencyRow.tenant_id == bindparam("tenant"),
    IdempotencyRow.principal_id == bindparam("principal"),
    IdempotencyRow.key.in_(bindparam("keys", expanding=True)),
)
_SPENT = select(IdempotencyRow.key, IdempotencyRow.body, IdempotencyRow.asset_id).where(
    *_THEIRS, IdempotencyRow.expires_at > bindparam("now")
)
_DROP = delete(IdempotencyRow).where(*_THEIRS)


def winners(
    connection: Connection, keys: Sequence[IdempotencyKey], now: int
) -> Mapping[str, str | IdempotencyConflictError]:
    """What those of one principal's keys made that are spent, by key; the error of one that came with another body."""
    if not keys:
        return {}
    sent = {one.key: one for one in keys}
    rows = connection.execute(_SPENT, _named(keys) | {"now": now})
    return {
        row.key: row.asset_id if hmac.compare_digest(row.body, sent[row.key].body) else IdempotencyConflictError()
        for row in rows
    }


def spend_all(connection: Connection, made: Sequence[tuple[IdempotencyKey, str]], now: int) -> None:
    """Record what one principal's keys made, after `winners` had none of them."""
    if not made:
        return
    connection.execute(_DROP, _named([key for key, _ in made]))
    rows = [
        {
            "tenant_id": key.tenant,
            "principal_id": key.principal,
            "key": key.key,
            "body": key.body,
            "asset_id": asset,
            "expires_at": key.part.until if key.part else now + int(KEPT.total_seconds() * 1000),
            "batch_id": key.part.batch if key.part else None,
        }
        for key, asset in made
    ]
    connection.execute(insert(IdempotencyRow), rows)


def _named(keys: Sequence[IdempotencyKey]) -> dict[str, object]:
    return {"tenant": keys[0].tenant, "principal": keys[0].principal, "keys": [one.key for one in keys]}


def forget_expired(connection: Connection, now: int) -> None:
    """Drop what a day has passed over; bookkeeping."""
    connection.execute(delete(IdempotencyRow).where(IdempotencyRow.expires_at <= now))
