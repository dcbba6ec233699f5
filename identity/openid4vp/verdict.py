"""The one fact that is learned of a presentation, and by whose word; all else is dropped where it was read.

Rules
- Only a presentation that holds says anything; what one that does not hold would have said is never looked at.
- Whom each kind of document is believed of was fixed before (`believed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from identity.age import Answer, is_over, stated
from identity.data_integrity.proof import Expected
from identity.encoding import base64url
from identity.errors import (
    CheckFailedError,
    DocumentError,
    IssuerUnreachableError,
    IssuerUntrustedError,
    TokenError,
    TokenInvalidError,
    TokenUnreadableError,
)
from identity.jsonld.document import check_document
from identity.jsonld.expansion import expand
from identity.mdoc.document import MdocExpectation, verify_mdoc
from identity.openid4vp.believed import Believed
from identity.openid4vp.documents import DOCUMENTS, Format
from identity.openid4vp.request import Request
from identity.openid4vp.response import Declined, Presented, presented
from identity.outcome import Check, Outcome
from identity.related_resource import pinned_contexts
from identity.sd_jwt.credential import Expectation, verify
from identity.sd_jwt.key_binding import Binding
from identity.vcdm import party
from identity.verifier import Policy, verify_credential

MAX_VALUES: Final = 96
"""Of a document by Data Integrity, proofs and all: one of ours has some thirty. Each proof has it canonicalised anew,
in this process, for whoever has the link.
"""


@dataclass(frozen=True)
class Verdict:
    """All that is kept of an answer."""

    answer: Answer
    outcome: Outcome
    """Why nothing is said, where nothing is: whatever was presented did not hold, or did not say it."""

    by: str = ""
    """Whose word it is: an issuer's DID, or the authority that certifies the issuer. Empty where nothing is said."""


def judge(answered: Mapping[str, object], request: Request, believed: Believed, now: datetime) -> Verdict:
    """The verdict over an answer to this request. Never raises over what it holds."""
    try:
        found = presented(answered, request)
        if isinstance(found, Declined):
            return Verdict(Answer.UNSAID, Outcome.ABSENT)
        answer, by = _READ[DOCUMENTS[found.document].format](found, request, believed, now)
    except TokenError as error:
        return Verdict(Answer.UNSAID, _outcome(error))
    except DocumentError:
        return Verdict(Answer.UNSAID, Outcome.UNREADABLE)
    except CheckFailedError as error:
        return Verdict(Answer.UNSAID, error.outcome)
    return Verdict(answer, Outcome.ABSENT) if answer is Answer.UNSAID else Verdict(answer, Outcome.HOLDS, by)


def _sd_jwt(found: Presented, request: Request, believed: Believed, now: datetime) -> tuple[Answer, str]:
    document, presentation = DOCUMENTS[found.document], _text(found)
    binding = Binding(request.client_id, request.nonce)
    shown = verify(presentation, Expectation({document.type}, believed.issuer_key(document, now), binding), now)
    believed.check_status(document, shown, now)
    return is_over(request.question.years, shown, now.date()), shown.issuer


def _mdoc(found: Presented, request: Request, believed: Believed, now: datetime) -> tuple[Answer, str]:
    document, response = DOCUMENTS[found.document], base64url.decode(_text(found), "the presentation")
    shown = verify_mdoc(
        response, MdocExpectation(document.type, believed.anchors.get(document.word, ()), request.transcript), now
    )
    believed.check_status(document, shown, now)
    return is_over(request.question.years, shown, now.date()), shown.issuer


def _document(found: Presented, request: Request, believed: Believed, now: datetime) -> tuple[Answer, str]:
    """One derived for this request: its presentation header is the transcript, as a device would sign it. What it says
    is read of its expanded form, where names are what was signed.
    """
    credential = found.presentation
    if not isinstance(credential, dict):
        raise TokenUnreadableError("a presentation by Data Integrity is an object")
    if check_document(credential) > MAX_VALUES:
        raise TokenUnreadableError(f"a presentation by Data Integrity has at most {MAX_VALUES} values")
    policy = Policy(frozenset(believed.issuers), believed.contexts, believed.resolve)
    report = verify_credential(credential, policy, now, Expected("assertionMethod", header=request.transcript))
    if report.verdict is not Outcome.HOLDS:
        raise CheckFailedError(report.failed[0].check, report.failed[0].detail, report.verdict)
    match expand(credential, pinned_contexts(credential, believed.contexts)).items:
        case [{"@type": [*types], "https://www.w3.org/2018/credentials#credentialSubject": [{**subject}]}]:
            if DOCUMENTS[found.document].type in types:
                return stated(_claims(subject), request.question.years), str(party(credential["issuer"]))
    raise CheckFailedError(Check.TYPE, "it is no age attestation")


def _claims(subject: Mapping[object, object]) -> dict[str, object]:
    """By their own names."""
    found: dict[str, object] = {}
    for term, values in subject.items():
        match values:
            case [{"@value": value, **rest}] if not rest and str(term).startswith(_TERMS):
                found[str(term).removeprefix(_TERMS)] = value
    return found


_TERMS: Final = "urn:sigillo:term:"

Read = Callable[[Presented, Request, Believed, datetime], tuple[Answer, str]]
"""What a presentation says, and by whose word. Raises TokenError's kinds, DocumentError's kinds, CheckFailedError."""

_READ: Final[Mapping[Format, Read]] = {Format.SD_JWT: _sd_jwt, Format.MDOC: _mdoc, Format.DOCUMENT: _document}


def _text(found: Presented) -> str:
    if not isinstance(found.presentation, str):
        raise TokenUnreadableError("a presentation of this kind is text")
    return found.presentation


def _outcome(error: TokenError) -> Outcome:
    if isinstance(error, IssuerUntrustedError):
        return Outcome.UNCHECKED if isinstance(error, IssuerUnreachableError) else Outcome.UNTRUSTED
    return Outcome.INVALID if isinstance(error, TokenInvalidError) else Outcome.UNREADABLE
