"""Evidence that an account has, and the tier that comes of it.

Rules
- What it is evidence of, and where it came from, is sealed under the account's key; in the row stand ids, times and
  HMACs.
- It counts until it expires, and for no more than the policy in force gives: a newer one that is stricter counts from
  the moment it is there, before anything is written about it (`identity.assurance.review`); one that is laxer counts
  for new evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, insert, select

from identity.assurance.policy import Policy
from identity.assurance.tables import EvidenceRow
from identity.assurance.tier import EvidenceKind, Tier, highest, lowest
from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject


@dataclass(frozen=True)
class Found:
    """What an adapter found good."""

    kind: EvidenceKind
    method: str
    """The provider, or the type of the credential; of a code how it was sent."""

    region: str
    mark: str | None = None
    """HMAC of what another account could show as well; None where there is nothing to compare."""

    request: str | None = None


@dataclass(frozen=True)
class Detail:
    """What is sealed of it."""

    kind: EvidenceKind
    method: str
    region: str
    tier: Tier
    """At most."""


@dataclass(frozen=True)
class Evidence:
    """One row, opened."""

    id: str
    detail: Detail
    mark: str | None
    request: str | None
    policy: str
    granted_at: int
    expires_at: int

    def tier(self, policy: Policy, now: int) -> Tier:
        """What it is good for now."""
        rule = policy.find(self.detail.kind, self.detail.region)
        if rule is None or now >= self.ends(policy):
            return Tier.NONE
        return lowest(self.detail.tier, rule.tier)

    def ends(self, policy: Policy) -> int:
        """When it expires under this policy, in Unix milliseconds."""
        rule = policy.find(self.detail.kind, self.detail.region)
        lasts = int(rule.lasts.total_seconds() * 1000) if rule else 0
        return min(self.expires_at, self.granted_at + lasts)


@dataclass(frozen=True)
class Standing:
    """How an account stands: its tier, and the evidence that counts."""

    tier: Tier
    evidence: tuple[Evidence, ...] = field(default=())


_DETAIL = TypeAdapter(Detail)


def standing(evidence: Iterable[Evidence], policy: Policy, now: int) -> Standing:
    """Of all its evidence."""
    counts = tuple(one for one in evidence if one.tier(policy, now) is not Tier.NONE)
    return Standing(highest(*(one.tier(policy, now) for one in counts)), counts)


def evidence_of(connection: Connection, account: Subject) -> list[Evidence]:
    """All that is kept of an account's, oldest first, expired ones until they are swept. Raises SealBrokenError."""
    mine = (EvidenceRow.tenant_id == account.tenant, EvidenceRow.account_id == account.id)
    rows = select(EvidenceRow.__table__).where(*mine).order_by(EvidenceRow.granted_at, EvidenceRow.id)
    return [_opened(account, row) for row in connection.execute(rows).mappings()]


def insert_evidence(connection: Connection, account: Subject, evidence: Evidence, sealed: bytes) -> None:
    """In a unit of work."""
    row = {
        "tenant_id": account.tenant,
        "id": evidence.id,
        "account_id": account.id,
        "request_id": evidence.request,
        "mark": evidence.mark,
        "policy": evidence.policy,
        "granted_at": evidence.granted_at,
        "expires_at": evidence.expires_at,
        "sealed": sealed,
    }
    connection.execute(insert(EvidenceRow).values(row))


def seal_detail(account: Subject, evidence: str, detail: Detail, entropy: Entropy) -> bytes:
    """Before the unit of work."""
    return seal(account.key, _DETAIL.dump_json(detail), _bound(account, evidence), entropy)


def _opened(account: Subject, row: RowMapping) -> Evidence:
    detail = _DETAIL.validate_json(unseal(account.key, row["sealed"], _bound(account, row["id"])))
    times = (row["granted_at"], row["expires_at"])
    return Evidence(row["id"], detail, row["mark"], row["request_id"], row["policy"], *times)


def _bound(account: Subject, evidence: str) -> bytes:
    return f"assurance/v1/{account.tenant}/{account.id}/evidence/{evidence}".encode()
