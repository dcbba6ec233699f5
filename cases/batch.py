"""A batch: rows of what somebody sends as one, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NewType

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.ids import PrincipalId, TenantId
from ledger.storage.tables import BOOKKEEPING, TENANT, Base

BatchId = NewType("BatchId", str)

KEPT: Final = timedelta(days=30)
MAX_EXPECTED: Final = 1_000_000
MAX_BATCHES: Final = 100
"""Of one principal at a time."""

MAX_NAME: Final = 300
PAGE: Final = 100
"""Refusals in one answer."""

RATE: Final = timedelta(minutes=1)
"""Over how long the rate is taken: what is left, at that rate, is how long it takes yet."""


class BatchRow(Base):
    """One batch."""

    __tablename__ = "batch"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        Index(None, "expires_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    expected: Mapped[int]
    created_at: Mapped[int]
    expires_at: Mapped[int]
    name: Mapped[bytes]
    """Sealed."""


class RefusalRow(Base):
    """A file of a batch that was refused, by its Idempotency-Key."""

    __tablename__ = "batch_refusal"
    __table_args__ = (Index(None, "expires_at"), {"info": TENANT | BOOKKEEPING})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    """HMAC-SHA256, as in its IdempotencyRow."""

    refusal: Mapped[bytes]
    """Sealed."""

    expires_at: Mapped[int]


@dataclass(frozen=True)
class Refusal:
    """Which file was refused, and why."""

    name: str
    """What its sender calls it; empty where they did not say."""

    type: str
    """Of the problem."""

    detail: str


@dataclass(frozen=True)
class Batch:
    """How far a batch is. Times in Unix milliseconds."""

    id: BatchId
    name: str
    expected: int
    created_at: int
    expires_at: int
    done: int
    """Signed; some of them held."""

    held: int
    refused: int
    rate: float
    """Files signed in a second, over the last minute."""

    refusals: tuple[Refusal, ...] = ()
    """A page of them."""

    next: str = ""
    """The cursor of the page after; empty after the last."""

    @property
    def left(self) -> int:
        """Files that were neither signed nor refused yet."""
        return max(self.expected - self.done - self.refused, 0)

    @property
    def seconds_left(self) -> float | None:
        """How long they take at that rate; None while nothing moves."""
        if not self.left:
            return 0.0
        return self.left / self.rate if self.rate else None


@dataclass(frozen=True)
class Part:
    """That an upload belongs to a batch."""

    batch: BatchId
    until: int
    """When that is over."""

    name: str
    """What its sender calls the file."""
