"""What platforms send about an account's assurance."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from api.schemas.assets import Strict
from api.schemas.words import CODE, COUNTRY, PROVIDER, WALLET_REQUEST, legible
from identity.assurance.destination import MAX_DESTINATION
from identity.assurance.grants import Withdrawal
from identity.assurance.tier import EvidenceKind, Tier
from identity.errors import CredentialRefusedError, TokenUnreadableError
from identity.jose.jwk import PublicKey, read_jwk

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
