"""The kinds of entry about assurance, each with its payload. All but `account.erased` are sealed under the account.

Payloads hold the account's random id and random ids of requests and evidence; no address, no number, no name, and of
another service's account nothing but which service.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.payload import Kind


@dataclass(frozen=True)
class AccountOpened:
    """A platform's account, or a person's own, is known here from now on, by a random id."""

    account: str


@dataclass(frozen=True)
class AccountErased:
    """An account's key was destroyed, and with it all that was sealed under it. Sealed under the tenant's system."""

    account: str


@dataclass(frozen=True)
class AssuranceRequested:
    """Evidence was asked for: what happens next (a message, a visit elsewhere) comes after this entry."""

    account: str
    request: str
    evidence: str
    region: str
    provider: str
    """Where it is to come from; empty for a message."""

    expires_at: str


@dataclass(frozen=True)
class AssuranceDeclined:
    """Whoever was asked for evidence found none; the account stays as it is."""

    account: str
    request: str
    kind: str
    provider: str


@dataclass(frozen=True)
class AssuranceGranted:
    """Evidence was found good, and takes the place of what the account had of the same kind and source."""

    account: str
    evidence: str
    kind: str
    method: str
    """The provider, or the type of the credential; of a code how it was sent."""

    region: str
    tier: str
    """Of this evidence."""

    before: str
    """The account's tier before and after."""

    after: str
    expires_at: str
    request: str
    replaces: tuple[str, ...]
    policy_sha256: str


@dataclass(frozen=True)
class AssuranceEnded:
    """Evidence counts no longer, or for less."""

    account: str
    evidence: str
    kind: str
    reason: str
    """`expired`; `policy`: another version of it; otherwise who withdrew it (`grants.Withdrawal`)."""

    tier: str
    """Of this evidence from now on."""

    before: str
    after: str
    policy_sha256: str


@dataclass(frozen=True)
class AssuranceStated:
    """A signed statement of the account's tier was made for somebody."""

    account: str
    statement: str
    tier: str
    audience: str
    key: str
    """Key and version that sign it."""

    expires_at: str
    policy_sha256: str


ACCOUNT_OPENED = Kind("account.opened", AccountOpened)
ACCOUNT_ERASED = Kind("account.erased", AccountErased)
REQUESTED = Kind("assurance.requested", AssuranceRequested)
DECLINED = Kind("assurance.declined", AssuranceDeclined)
GRANTED = Kind("assurance.granted", AssuranceGranted)
EXPIRED = Kind("assurance.expired", AssuranceEnded)
WITHDRAWN = Kind("assurance.withdrawn", AssuranceEnded)
DOWNGRADED = Kind("assurance.downgraded", AssuranceEnded)
STATED = Kind("assurance.stated", AssuranceStated)

KINDS = (ACCOUNT_OPENED, ACCOUNT_ERASED, REQUESTED, DECLINED, GRANTED, EXPIRED, WITHDRAWN, DOWNGRADED, STATED)
"""What the composition root registers."""
