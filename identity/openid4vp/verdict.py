"""The one fact that is learned of a presentation, and by whose word; all else is dropped where it was read.

Rules
- Only a presentation that holds says anything; what one that does not hold would have said is never looked at.
- Each kind of document is believed under authorities of its own, so that who certifies licences cannot certify births.
- A document whose status cannot be looked up is *unchecked*, and says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509

from identity.age import Answer, is_over
from identity.did.methods import Resolver, resolve
from identity.encoding import base64url
from identity.errors import CheckFailedError, IssuerUntrustedError, TokenError, TokenInvalidError, TokenUnreadableError
from identity.jose.certified import MDL_DOCUMENT_SIGNER
from identity.mdoc.document import MdocExpectation, VerifiedMdoc, verify_mdoc
from identity.openid4vp.documents import DOCUMENTS, AgeDocument, Format, Word
from identity.openid4vp.request import Request
from identity.openid4vp.response import Declined, Presented, presented
from identity.outcome import Outcome
from identity.sd_jwt.credential import Expectation, VerifiedCredential, verify
from identity.sd_jwt.issuers import IssuerKey, certified, resolved
from identity.sd_jwt.key_binding import Binding
from identity.status.token_lookup import Fetch, token_status

PURPOSES: Final = frozenset({MDL_DOCUMENT_SIGNER})


def _not_fetched(_url: str) -> None:
    return None


@dataclass(frozen=True)
class Believed:
    """Whose word counts here."""

    anchors: Mapping[Word, Sequence[x509.Certificate]] = field(default_factory=dict)
    issuers: Collection[str] = frozenset()
    """Of age attestations, by DID."""

    resolve: Resolver = resolve
    fetch: Fetch = _not_fetched
    """Status lists."""

    def documents(self) -> tuple[str, ...]:
        """Kinds of documents of which at least somebody is believed."""
        return tuple(name for name, one in DOCUMENTS.items() if self.anchors.get(one.word) or self._by_did(one))

    def issuer_key(self, document: AgeDocument, now: datetime) -> IssuerKey:
        """Of SD-JWTs of that kind."""
        if document.word is Word.OURS:
            return resolved(self.issuers, self.resolve)
        return certified(self.anchors.get(document.word, ()), PURPOSES, now)

    def check_status(self, document: AgeDocument, shown: VerifiedCredential | VerifiedMdoc, now: datetime) -> None:
        """In a list by who issued it. Raises CheckFailedError."""
        status = shown.claims.get("status") if isinstance(shown, VerifiedCredential) else shown.status
        issuer_key = self.issuer_key(document, now)
        named = shown.issuer if document.word is Word.OURS else None
        if status is not None:
            token_status(self.fetch, lambda header: issuer_key(named, header).key, now)(status)

    def _by_did(self, document: AgeDocument) -> bool:
        return document.word is Word.OURS and bool(self.issuers)


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
        document = _verified(found, request, believed, now)
        believed.check_status(DOCUMENTS[found.document], document, now)
    except TokenError as error:
        return Verdict(Answer.UNSAID, _outcome(error))
    except CheckFailedError as error:
        return Verdict(Answer.UNSAID, error.outcome)
    answer = is_over(request.question.years, document, now.date())
    if answer is Answer.UNSAID:
        return Verdict(answer, Outcome.ABSENT)
    return Verdict(answer, Outcome.HOLDS, document.issuer)


def _verified(
    found: Presented, request: Request, believed: Believed, now: datetime
) -> VerifiedCredential | VerifiedMdoc:
    """Raises TokenError's kinds."""
    document, presentation = DOCUMENTS[found.document], found.presentation
    if not isinstance(presentation, str):
        raise TokenUnreadableError(f"a presentation of {document.format} is text")
    if document.format is Format.SD_JWT:
        binding = Binding(request.client_id, request.nonce)
        return verify(presentation, Expectation({document.type}, believed.issuer_key(document, now), binding), now)
    expected = MdocExpectation(document.type, believed.anchors.get(document.word, ()), request.transcript)
    return verify_mdoc(base64url.decode(presentation, "the presentation"), expected, now)


def _outcome(error: TokenError) -> Outcome:
    if isinstance(error, IssuerUntrustedError):
        return Outcome.UNTRUSTED
    return Outcome.INVALID if isinstance(error, TokenInvalidError) else Outcome.UNREADABLE
