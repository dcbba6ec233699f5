"""What platforms get to know about an account's assurance."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from api.parts.assurance import Assurance
from api.schemas.assets import LedgerView
from detection.faces.look import absent
from identity.assurance.codes import SENT_TO
from identity.assurance.evidence import Evidence, Standing
from identity.assurance.grants import Granted
from identity.assurance.logins import LOGINS, Begun
from identity.assurance.policy import Rule
from identity.assurance.requests import Request
from identity.assurance.statements import Missing, Stated
from identity.assurance.tier import EvidenceKind, Tier
from ledger.ids import EntryId, SubjectId, moment


class EvidenceView(BaseModel):
    """Evidence that counts."""

    id: str
    kind: EvidenceKind
    source: str
    """The provider, or the type of the credential; `code` for a code."""

    tier: Tier
    region: str
    granted_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, evidence: Evidence, assurance: Assurance) -> Self:
        """The view of it, as it counts now."""
        detail, now = evidence.detail, assurance.accounts.now()
        return cls(
            id=evidence.id,
            kind=detail.kind,
            source=detail.method,
            tier=evidence.tier(assurance.policy, now),
            region=detail.region,
            granted_at=moment(evidence.granted_at),
            expires_at=moment(evidence.ends(assurance.policy)),
        )


class AccountView(BaseModel):
    """How an account stands."""

    id: str
    tier: Tier
    evidence: list[EvidenceView]
    policy: str

    @classmethod
    def of(cls, account: SubjectId, standing: Standing, assurance: Assurance) -> Self:
        """The view of an account."""
        counts = [EvidenceView.of(one, assurance) for one in standing.evidence]
        return cls(id=account, tier=standing.tier, evidence=counts, policy=assurance.policy.name)


class BegunView(BaseModel):
    """Evidence that was asked for."""

    request: str
    expires_at: datetime
    ledger: LedgerView

    @classmethod
    def of(cls, request: Request) -> Self:
        """The view of a request that was just begun."""
        assert request.entry is not None
        ledger = LedgerView.of(request.entry, proven=False)
        return cls(request=request.id, expires_at=moment(request.expires_at), ledger=ledger)


class LoginView(BegunView):
    """A login that was begun; the person goes to `authorization_url`."""

    authorization_url: str

    @classmethod
    def begun(cls, login: Begun) -> Self:
        """The view of it."""
        return cls(**BegunView.of(login.request).model_dump(), authorization_url=login.url)


class GrantedView(BaseModel):
    """Evidence that was found good, and the tier that the account has now."""

    tier: Tier
    evidence: EvidenceView
    ledger: LedgerView

    @classmethod
    def of(cls, granted: Granted, assurance: Assurance) -> Self:
        """The view of a grant."""
        ledger = LedgerView.of(granted.entry, proven=False)
        return cls(tier=granted.standing.tier, evidence=EvidenceView.of(granted.evidence, assurance), ledger=ledger)


class WayView(BaseModel):
    """Evidence that would be enough, and how to give it."""

    evidence: EvidenceKind
    begin: str
    providers: list[str]
    """Of whom one is to be named; empty where there is none to choose."""


class StepUpView(BaseModel):
    """A tier that was reached, stated; or what the account has, and the ways to more."""

    reached: bool
    tier: Tier
    """Stated; or what there is instead."""

    statement: str | dict[str, Any] | None
    expires_at: datetime | None
    ledger: LedgerView | None
    ways: list[WayView]

    @classmethod
    def of(cls, account: SubjectId, answer: Stated | Missing, assurance: Assurance) -> Self:
        """The view of an answer."""
        if isinstance(answer, Stated):
            ledger = LedgerView.of(answer.entry, proven=False)
            said, until = answer.statement, moment(answer.expires_at)
            return cls(reached=True, tier=answer.tier, statement=said, expires_at=until, ledger=ledger, ways=[])
        ways = [way for kind in answer.ways for way in _ways(account, kind, assurance)]
        return cls(reached=False, tier=answer.tier, statement=None, expires_at=None, ledger=None, ways=ways)


def _ways(account: SubjectId, kind: EvidenceKind, assurance: Assurance) -> list[WayView]:
    """Those that this deployment offers."""
    path = f"/v1/assurance/accounts/{account}"
    if kind in SENT_TO:
        return [WayView(evidence=kind, begin=f"{path}/codes", providers=[])] if assurance.codes.offered else []
    if kind in LOGINS:
        known = sorted(name for name, one in assurance.logins.providers.items() if one.client.evidence is kind)
        return [WayView(evidence=kind, begin=f"{path}/logins", providers=known)] if known else []
    if kind is EvidenceKind.PORTRAIT:
        return [] if absent() else [WayView(evidence=kind, begin=f"{path}/portraits", providers=[])]
    if kind is EvidenceKind.KYC:
        houses = sorted(assurance.kyc.houses)
        return [WayView(evidence=kind, begin=f"{path}/kyc", providers=houses)] if houses else []
    return [WayView(evidence=kind, begin="/openid4vp/requests", providers=[])]


class ChangedView(BaseModel):
    """That something is gone, and the entry that says so."""

    gone: str
    ledger: LedgerView

    @classmethod
    def of(cls, gone: str, entry: EntryId) -> Self:
        """The view of an end."""
        return cls(gone=gone, ledger=LedgerView.of(entry, proven=False))


class PolicyView(BaseModel):
    """Which evidence grants which tier, and who may be asked for it."""

    policy: str
    sha256: str
    rules: dict[str, dict[EvidenceKind, Rule]]
    """By region; the empty name is everywhere else."""

    countries: dict[str, str]
    documents: dict[str, EvidenceKind]
    logins: list[str]
    kyc: list[str]

    @classmethod
    def of(cls, assurance: Assurance) -> Self:
        """The view of what is in force."""
        policy = assurance.policy
        return cls(
            policy=policy.name,
            sha256=policy.digest,
            rules={region: dict(rules) for region, rules in policy.rules.items()},
            countries=dict(policy.countries),
            documents=dict(policy.documents),
            logins=sorted(assurance.logins.providers),
            kyc=sorted(assurance.kyc.houses),
        )
