"""What verification says of a file: the report that crosses from the worker to everyone who reads it.

Rules
- Every text came from a stranger's file: bounded in length, and free of control characters.
- Lists are capped; where something was left out, `truncated` says so. Verdicts come before any cut.
- What a manifest states (title, actions, model, author) is reported as stated; `verdict` says what it
  is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from detection.errors import WorkerProtocolError
from provenance import characters
from provenance.verdict import Verdict

MAX_TEXT: Final = 2000
MAX_STATUSES: Final = 500
"""Of each kind: success, informational, failure."""

MAX_KEPT_STATUSES: Final = 20
MAX_REPORTED_ACTIONS: Final = 100
MAX_INGREDIENTS: Final = 200
MAX_SOURCE_TYPES: Final = 100
MAX_DEPTH: Final = 32

Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


@dataclass(frozen=True)
class Status:
    """One validation result, verbatim."""

    code: Text
    url: Text | None
    explanation: Text | None


@dataclass(frozen=True)
class Statuses:
    """The validation results for the file's own manifest."""

    success: tuple[Status, ...] = ()
    informational: tuple[Status, ...] = ()
    failure: tuple[Status, ...] = ()


@dataclass(frozen=True)
class SignerRevocation:
    """That a certificate is revoked. Times are RFC 3339."""

    at: Text
    since: Text
    """What was signed from here on is not trusted: `at`, or earlier where the issuer knows more."""

    reason: Text
    """By its name in RFC 5280, section 5.3.1."""


@dataclass(frozen=True)
class SignerCertificate:
    """The certificate that the claim was signed under. Times are RFC 3339."""

    common_name: Text | None
    organization: Text | None
    issuer: Text | None
    serial: Text | None
    """Hexadecimal."""

    algorithm: Text | None
    not_before: Text | None
    not_after: Text | None
    revocation: SignerRevocation | None = None


class StampStanding(StrEnum):
    """What a time-stamp is worth. Only a trusted one counts for anything."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    """Its authority is under none of our roots for time-stamps, or not fit to be one."""

    FUTURE = "future"
    """It names a moment that has not come yet."""

    PREMATURE = "premature"
    """It names a moment before its signer's certificate began."""

    OUTSIDE_VALIDITY = "outside-validity"
    """It names a moment at which its authority's certificate did not hold."""

    MISMATCHED = "mismatched"
    """It is of something else."""

    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TimeStamp:
    """An RFC 3161 time-stamp over the claim's signature."""

    time: Text | None
    """None where it names none for this claim."""

    authority: Text | None
    trusted: bool
    """Whether its authority is one that we trust, for this very claim and a time that has come."""

    standing: StampStanding


@dataclass(frozen=True)
class StatedTool:
    """A piece of software named in the manifest."""

    name: Text
    version: Text | None


@dataclass(frozen=True)
class StatedAction:
    """One action of the manifest."""

    name: Text
    source_type: Text | None
    when: Text | None
    tool: StatedTool | None
    description: Text | None
    parameters: Text | None
    """JSON."""


@dataclass(frozen=True)
class StatedModel:
    """The generative model named in the manifest."""

    name: Text
    version: Text | None
    provider: Text | None


@dataclass(frozen=True)
class StatedUse:
    """One entry of the training-mining choice."""

    entry: Text
    use: Text


@dataclass(frozen=True)
class StatedAuthor:
    """The author's own words."""

    name: Text | None
    statement: Text | None


@dataclass(frozen=True)
class StatedContent:
    """The `org.sigillo.content` assertion."""

    mime: Text
    sha256: Text
    content_hash: Text
    """Of the decoded content in its normal form."""

    normal_form: Text
    decoder: Text
    width: int | None
    height: int | None
    duration: int | None
    """Milliseconds, of what moves or sounds."""

    frames: int
    """How many frames the assertion gives a hash of."""

    windows: int
    """How many windows of sound."""


@dataclass(frozen=True)
class StatedLikenessCheck:
    """The `org.sigillo.likeness-check` assertion: that the tool asked before it made this."""

    entry: Text
    purpose: Text | None
    checked_at: Text | None
    token: Text | None
    """What can be verified on its own."""


@dataclass(frozen=True)
class StatedStanding:
    """How the account whose passkey signed stood when it did, as the platform says that signed the manifest."""

    by: Text
    verified: bool
    level: Text
    since: Text | None


@dataclass(frozen=True)
class StatedCreator:
    """The `org.sigillo.creator-signature` assertion: who signed for the work with a key of their own."""

    name: Text | None
    """As they call themselves; None where they signed with a passkey, which knows no name."""

    verdict: Verdict
    """*trusted*: somebody who is trusted certifies the key, or vouches for whose passkey it is. *untrusted*: it holds,
    and says no more than that one key signed. Never without the manifest's own verdict, which says whether that is what
    was signed with it.
    """

    reason: Text
    """Why it is not trusted; empty where it is."""

    key_sha256: Text | None = None
    """Of its key (SubjectPublicKeyInfo), hexadecimal: the same for all that it signs."""

    subject: Text | None = None
    """Of its certificate, where it has one."""

    standing: StatedStanding | None = None
    """What is vouched for, where it is a passkey."""


@dataclass(frozen=True)
class Ingredient:
    """A file that went into this one. The tuple of them is the tree in pre-order; `depth` begins at 1."""

    depth: int
    title: Text | None
    format: Text | None
    relationship: Text | None
    label: Text | None
    """The label of its manifest; none when it had none."""

    verdict: Verdict | None
    """None when it had no manifest and nothing is recorded against it."""

    signer: Text | None
    failures: tuple[Text, ...]
    """Codes that stand against it, recorded by whoever signed over it or found now."""


@dataclass(frozen=True)
class VerificationReport:
    """What a file says about itself and what that is worth."""

    verdict: Verdict
    """Of the file's own, active manifest."""

    trust: Text
    """The digest of the trust policy it was judged under."""

    ancestry: Verdict | None = None
    """The worst verdict among the ancestors that have a manifest; None when there is none."""

    label: Text | None = None
    title: Text | None = None
    generators: tuple[StatedTool, ...] = ()
    signer: SignerCertificate | None = None
    time_stamps: tuple[TimeStamp, ...] = ()
    statuses: Statuses = Statuses()
    actions: tuple[StatedAction, ...] = ()
    model: StatedModel | None = None
    training_mining: tuple[StatedUse, ...] = ()
    author: StatedAuthor | None = None
    content: StatedContent | None = None
    likeness_check: StatedLikenessCheck | None = None
    creator_signature: StatedCreator | None = None
    """None where no creator signed."""

    ingredients: tuple[Ingredient, ...] = ()
    source_types: tuple[Text, ...] = ()
    """Every digital source type that it or an earlier version states."""

    truncated: bool = False


@dataclass(frozen=True)
class History:
    """The manifest that an upload arrived with, in brief."""

    verdict: Verdict
    ancestry: Verdict | None
    label: Text | None
    failures: tuple[Text, ...]
    """Codes that stand against it or an ancestor, the manifest's own first."""

    sentence: Annotated[str, StringConstraints(max_length=3 * MAX_TEXT)]
    """The same in plain words, with a name and a code in them."""

    source_types: Annotated[tuple[Text, ...], Field(max_length=MAX_SOURCE_TYPES)] = ()
    """Every digital source type that it or an earlier version states."""


REPORT: Final = TypeAdapter(VerificationReport)
HISTORY: Final = TypeAdapter(History)
TIME_STAMP: Final = TypeAdapter(TimeStamp)


def parse_history(answer: object) -> History:
    """A worker's account of an upload's own manifest. Raises WorkerProtocolError."""
    try:
        return HISTORY.validate_python(answer)
    except ValidationError as error:
        raise WorkerProtocolError(f"the history has {error.error_count()} fields of the wrong shape") from error


def without_lists(report: VerificationReport) -> VerificationReport:
    """A report too long to hand over, cut to its verdicts and what says whose they are."""
    few = Statuses(failure=report.statuses.failure[:1], success=report.statuses.success[:MAX_KEPT_STATUSES])
    worst = next((node for node in report.ingredients if node.verdict is report.ancestry), None)
    kept = (replace(worst, failures=worst.failures[:1]),) if worst else ()
    return VerificationReport(
        verdict=report.verdict,
        trust=report.trust,
        ancestry=report.ancestry,
        label=report.label,
        title=report.title,
        signer=report.signer,
        statuses=few,
        ingredients=kept,
        source_types=report.source_types,
        truncated=True,
    )


def parse_time_stamp(answer: object) -> TimeStamp:
    """A worker's account of the time-stamp it wrote. Raises WorkerProtocolError."""
    try:
        return TIME_STAMP.validate_python(answer)
    except ValidationError as error:
        raise WorkerProtocolError(f"the time-stamp has {error.error_count()} fields of the wrong shape") from error


def legible(value: str) -> str:
    """A stranger's text, fit for the report."""
    return characters.legible(value, MAX_TEXT)


def text(value: object) -> str | None:
    """A value as legible text, or None if it is not text."""
    return legible(value) if isinstance(value, str) else None
