"""The kinds of entry that the ledger itself records, each with the payload that its commitment binds.

All are sealed under the tenant's system subject, those about openings and holds too: what was done with a payload must
outlive it. They name entries and subjects by random ids, people never.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.payload import Kind

POLICY = "ledger@1"


@dataclass(frozen=True)
class TenantCreated:
    """A tenant began."""

    name: str


@dataclass(frozen=True)
class EpochDestroyed:
    """What was wrapped under the tenant's epochs below this number opens nowhere."""

    before: int


@dataclass(frozen=True)
class LogRecovered:
    """Signed was the first tree, and the log goes on from the second. Roots in hex."""

    signed_size: int | None
    """None where the mark was gone."""

    signed_root: str
    """Empty where only a witness saw it, or nobody knows."""

    size: int
    root: str


@dataclass(frozen=True)
class PayloadOpened:
    """Payloads were opened for somebody; recorded before it was done."""

    entries: tuple[str, ...]
    """All that were asked for. One that was erased meanwhile was not opened, though it is named here."""

    purpose: str
    reason: str
    """Why, and by what authority, in the words of whoever asked."""

    question: dict[str, str] = field(default_factory=dict)
    """What was searched for."""


TENANT_CREATED = Kind("tenant.created", TenantCreated)
EPOCH_DESTROYED = Kind("epoch.destroyed", EpochDestroyed)
LOG_RECOVERED = Kind("log.recovered", LogRecovered)
PAYLOAD_OPENED = Kind("payload.opened", PayloadOpened)

KINDS = (TENANT_CREATED, EPOCH_DESTROYED, LOG_RECOVERED, PAYLOAD_OPENED)
"""What every ledger knows, besides the kinds it is given."""
