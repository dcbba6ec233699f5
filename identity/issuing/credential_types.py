"""The types of credential that we issue, as a table: what each says of its subject, how long, and what it gives away.

Rules
- An age credential is made so that two presentations of it share nothing: no id, no name of its subject, no status, and
  no moment finer than the week. Everything it says can be kept back by itself.
- The others can be revoked. Whoever shows one shows where its status is, and so can be told again: their schemas say
  `linkable`.
- Claims have one name in all formats. A subject is of its schema, or nothing is issued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StrictBool, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from identity.errors import CredentialRefusedError

AGES: Final = (13, 14, 15, 16, 18, 21)
"""That an age credential may speak of; those it does, it says yes or no to."""

_WEEK: Final = timedelta(days=7)
_FIRST_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Uri = Annotated[str, Field(max_length=500, pattern=r"^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$")]


class Tier(StrEnum):
    """How sure one is of who is behind an account."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Likeness(StrEnum):
    """What of a person may not be generated."""

    FACE = "face"
    IMAGE = "image"
    """One picture, and what is nearly the same."""


class Refused(StrEnum):
    """For what."""

    ANY_LIKENESS = "any_likeness"
    SEXUALISED = "sexualised"
    POLITICAL = "political"
    COMMERCIAL = "commercial"
    NEAR_COPIES = "near_copies"
    """Of one picture, and that alone: no likeness of anybody."""


@with_config(ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1}))
class AgeSubject(TypedDict, total=False):
    """Whether somebody is of these ages or older."""

    age_over_13: StrictBool
    age_over_14: StrictBool
    age_over_15: StrictBool
    age_over_16: StrictBool
    age_over_18: StrictBool
    age_over_21: StrictBool


class _Named(TypedDict, total=False):
    id: Uri
    """A DID or another name of the subject."""


class _Placed(_Named, total=False):
    region: Annotated[str, Field(pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    """Whose rules the registration has: ISO 3166-1 alpha-2, or 3166-2."""


@with_config(ConfigDict(extra="forbid"))
class RegistrationSubject(_Placed):
    """That somebody is registered as not to be imitated; nothing of what they look like."""

    registered: Literal[True]
    """So that this can be shown alone."""

    registration: Id
    covers: Annotated[list[Likeness], Field(min_length=1, max_length=len(Likeness))]
    refuses: Annotated[list[Refused], Field(min_length=1, max_length=len(Refused))]


@with_config(ConfigDict(extra="forbid"))
class AssuranceSubject(_Named):
    """How sure one is of who is behind an account."""

    account: Id
    tier: Tier
    policy: Id
    """Under which policy, and version, that was decided."""


@with_config(ConfigDict(extra="forbid"))
class CreatorSubject(_Named):
    """That a creator is who they say."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    profile: Uri
    """Where the public finds them."""


@dataclass(frozen=True)
class CredentialType:
    """One type."""

    name: str
    """Of VCDM's `type`."""

    subject: TypeAdapter[Any]
    lifetime: timedelta
    """Of one issued now; an age credential ends up to a week sooner."""

    revocable: bool
    """And so linkable: it says where its status is."""

    found_here: str = ""
    """What issues it, where it says what this service found out itself, so that no caller writes its subject."""

    completed: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    """What a subject says besides by saying that. Raises CredentialRefusedError for what contradicts itself."""

    @property
    def vct(self) -> str:
        """Its name in SD-JWTs."""
        return f"urn:sigillo:{self.name}:1"

    @property
    def iri(self) -> str:
        """Its name in our context, written out."""
        return f"urn:sigillo:type:{self.name}"

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in self.name).lstrip("-")

    def subject_of(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """The whole subject. Raises CredentialRefusedError for claims that are not of the schema."""
        try:
            self.subject.validate_python(dict(claims))
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            said = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in faults[:3])
            raise CredentialRefusedError(f"the subject of {self.name} is not of its schema: {said}") from error
        return self.completed(claims)

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when one is good that is issued now; of one that must not be told from others, from one
        Monday to another.
        """
        if self.revocable:
            begins = now.astimezone(UTC).replace(microsecond=0)
            return begins, begins + self.lifetime
        begins = now - (now - _FIRST_MONDAY) % _WEEK
        return begins, begins + self.lifetime


def _ages(claims: Mapping[str, Any]) -> dict[str, Any]:
    """With what follows: who is 18 is 16, and who is not 18 is not 21 (ISO/IEC 18013-5, section 7.2.5)."""
    if not claims:
        raise CredentialRefusedError(f"an age credential says at least one of {', '.join(map(_age, AGES))}")
    over = max((age for age in AGES if claims.get(_age(age)) is True), default=0)
    under = min((age for age in AGES if claims.get(_age(age)) is False), default=max(AGES) + 1)
    if under <= over:
        raise CredentialRefusedError(f"nobody is over {over} and not over {under}")
    return {_age(age): age <= over for age in AGES if age <= over or age >= under}


def _registration(claims: Mapping[str, Any]) -> dict[str, Any]:
    """A picture is protected from copies of it, and its person from nothing; a face, from likenesses."""
    copies = [Refused.NEAR_COPIES.value]
    if (claims["covers"] == [Likeness.IMAGE]) != (claims["refuses"] == copies) or (
        Refused.NEAR_COPIES in claims["refuses"] and claims["refuses"] != copies
    ):
        raise CredentialRefusedError("near copies are what a registered picture is protected from, and that alone")
    return dict(claims)


def _age(years: int) -> str:
    return f"age_over_{years}"


AGE_ATTESTATION: Final = CredentialType(
    "AgeAttestation", TypeAdapter(AgeSubject), timedelta(days=14), revocable=False, completed=_ages
)
DO_NOT_GENERATE: Final = CredentialType(
    "DoNotGenerateRegistration",
    TypeAdapter(RegistrationSubject),
    timedelta(days=365),
    revocable=True,
    found_here="POST /v1/registrations",
    completed=_registration,
)
ACCOUNT_ASSURANCE: Final = CredentialType(
    "AccountAssurance",
    TypeAdapter(AssuranceSubject),
    timedelta(days=1),
    revocable=True,
    found_here="POST /v1/assurance/accounts/…/step-ups",
)
VERIFIED_CREATOR: Final = CredentialType(
    "VerifiedCreator", TypeAdapter(CreatorSubject), timedelta(days=365), revocable=True
)

TYPES: Final[Mapping[str, CredentialType]] = {
    one.name: one for one in (AGE_ATTESTATION, DO_NOT_GENERATE, ACCOUNT_ASSURANCE, VERIFIED_CREATOR)
}
"""By name."""
