"""What platforms send about an account's assurance, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.assurance import Assurance
from api.schemas.assets import LedgerView, Strict
from api.schemas.words import CODE, COUNTRY, PROVIDER, WALLET_REQUEST, legible
from identity.assurance.codes import MAX_DESTINATION, SENT_TO
from identity.assurance.evidence import Evidence, Standing
from identity.assurance.grants import Granted, Withdrawal
from identity.assurance.logins import LOGINS, Begun
from identity.assurance.policy import Rule
from identity.assurance.requests import Request
from identity.assurance.statements import Missing, Stated
from identity.assurance.tier import EvidenceKind, Tier
from identity.errors import CredentialRefusedError, TokenUnreadableError
from identity.jose.jwk import PublicKey, read_jwk
from ledger.ids import EntryId, SubjectId, moment

MAX_ACCOUNT = 200
MAX_WORD = 300
STATEMENT = "statement"
MAX_CODE = 2000
"""Of an authorisation code; Microsoft's have some hundred characters."""

Country = Annotated[str, Field(pattern=COUNTRY)]
"""ISO 3166-1 alpha-2: whose rules the account has; empty for those of everywhere."""

Provider = Annotated[str, Field(pattern=PROVIDER)]


class AccountRequest(Strict):
    """An account, by whatever id the platform has for it: a pseudonymous one, rather than a name or an address."""

    model_config = ConfigDict(json_schema_extra={"example": {"account": "user-8f14e45f"}})

    account: Annotated[str, Field(min_length=1, max_length=MAX_ACCOUNT)]


class CodeRequest(Strict):
    """Where a one-time code is to go."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"evidence": "email", "destination": "ada@example.org", "country": "FR"}}
    )

    evidence: EvidenceKind
    destination: Annotated[str, Field(max_length=MAX_DESTINATION, repr=False)]
    country: Country = ""


class CodeAnswer(Strict):
    """The code that came."""

    model_config = ConfigDict(json_schema_extra={"example": {"code": "01234567"}})

    code: Annotated[str, Field(pattern=CODE, repr=False)]


class LoginRequest(Strict):
    """Where the person is to log in."""

    model_config = ConfigDict(json_schema_extra={"example": {"provider": "example-id", "country": "FR"}})

    provider: Provider
    country: Country = ""


class LoginAnswer(Strict):
    """What the provider sent the person back with: `code`, and `iss` where it says so; its `state` is the request."""

    model_config = ConfigDict(json_schema_extra={"example": {"code": "SplxlOBeZQQYbYS6WxSbIA"}})

    code: Annotated[str, Field(min_length=1, max_length=MAX_CODE, repr=False)]
    iss: Annotated[str, Field(max_length=MAX_CODE)] = ""


class KycRequest(Strict):
    """Which provider is to look at the person's papers."""

    model_config = ConfigDict(json_schema_extra={"example": {"provider": "example-kyc", "country": "FR"}})

    provider: Provider
    country: Country = ""


class PresentationRequest(Strict):
    """A request to a wallet that was answered."""

    model_config = ConfigDict(json_schema_extra={"example": {"session": f"wrq_{'a' * 26}", "country": "FR"}})

    session: Annotated[str, Field(pattern=WALLET_REQUEST)]
    country: Country = ""


class WithdrawalRequest(Strict):
    """Who takes the evidence back: the person (`asked`), or the platform."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "asked"}})

    reason: Withdrawal


class StepUpRequest(Strict):
    """Which tier an action needs, and for whom it is to be stated."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"tier": "medium", "audience": "https://shop.example", "nonce": "n-0S6_WzA2Mj", "country": "FR"}
        }
    )

    tier: Literal[Tier.LOW, Tier.MEDIUM, Tier.HIGH]
    audience: Annotated[str, Field(max_length=MAX_WORD), AfterValidator(legible)] = ""
    """Who is to believe the statement: needed for one."""

    nonce: Annotated[str, Field(max_length=MAX_WORD), AfterValidator(legible)] = ""
    """The asker's own, which comes back in the statement."""

    form: Annotated[str, Field(max_length=MAX_WORD)] = STATEMENT
    """`statement`: a JWT of minutes. Or an `AccountAssurance` credential of a day: `dc+sd-jwt`, or a cryptosuite."""

    holder: dict[str, Any] | None = None
    """The public key (JWK) that an SD-JWT is bound to."""

    country: Country = ""
    """Whose ways are told, where the tier is missing."""

    @model_validator(mode="after")
    def _is_for_somebody(self) -> Self:
        if (self.form == STATEMENT) == (not self.audience):
            raise ValueError("a statement has an `audience`, and a credential has none")
        return self

    def holder_key(self) -> PublicKey | None:
        """Raises CredentialRefusedError."""
        try:
            return None if self.holder is None else read_jwk(self.holder)
        except TokenUnreadableError as error:
            raise CredentialRefusedError(f"holder: {error}") from error


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
