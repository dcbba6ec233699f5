"""Everything that can go wrong in this package.

IdentityError
├── KeyUnfitError                 a key of the wrong length or kind, or one under which anything would verify
├── SelectionError                what should be shown or hidden cannot be chosen so
├── ProofError                    the proof shows nothing
│   ├── ProofLimitError           larger than we take
│   ├── ProofUnreadableError      it cannot be parsed
│   └── ProofInvalidError         it is of something else, or does not hold
├── DidError                      no key comes of this DID
│   ├── DidUnreadableError        it is not of its method's form
│   │   └── DidKeyLengthError     its key is longer or shorter than keys of its kind
│   ├── DidUnreachableError       its document cannot be had now
│   └── DidUnsupportedError       a method, or a kind of key, that we do not resolve
├── CheckFailedError              one check of a secured document; `check` and `outcome` say which and how
├── DocumentError                 this document can be neither signed nor checked
│   ├── DocumentLimitError        larger, deeper or more entangled than we take
│   │   └── PoisonGraphError      its blank nodes would take for ever to tell apart
│   ├── UnsignableValueError      a value that a signature would not cover, or not the same one everywhere
│   ├── UnknownContextError       a context that is not in the library; none is fetched
│   ├── UndefinedTermError        a term that no context defines: it would vanish from what is signed
│   ├── RenamedMemberError        what verifiers look for by its name, by another one
│   ├── RelativeIdentifierError   an identifier that is no absolute IRI
│   └── MalformedDocumentError    not JSON-LD
├── CredentialRefusedError        what is to be issued or presented breaks a rule; nothing was signed
├── IssuerUnnamedError            this deployment was not told where others reach it, so it has no DID
├── IssuerKeyUnknownError         no such version of the issuer's keys
├── ShowingRefusedError           a credential was shown that does not prove what it should
├── OfferGoneError                an offer of a credential that is used, withdrawn, ended, or never was
├── WalletRefusedError            a wallet's request cannot be served; `fault` says why in OAuth's words
├── WalletError                   a holder's keys do not do what they should
│   ├── HolderKeyUnknownError         the credential is bound to a key that is not in this wallet
│   └── WalletFullError               no more keys fit
├── CredentialTooCostlyError      it takes more work to judge than one may
├── RequestUnreadableError        not of VC-API's form (`vc_api.request`)
├── DerivationRefusedError        nothing can be derived so (`vc_api.jobs`)
├── TokenError                    a JWT, an SD-JWT, an mdoc or a status list proves nothing
│   ├── TokenUnreadableError          it is not of its form, or beyond a limit
│   ├── TokenInvalidError             it does not hold; `check` says in what
│   └── IssuerUntrustedError          it may hold, its issuer is not among those believed
│       └── IssuerUnreachableError        or is, and their key cannot be had now
├── StatusError                   nothing can be said about a credential's status
│   ├── StatusIndexError              the list has no such place
│   ├── StatusListFullError           no place of the list is free: begin another
│   ├── StatusListUnknownError        there is no such list here
│   ├── PlaceTakenError               somebody else was given that place meanwhile
│   ├── CredentialUnknownError        no credential of that id has a status here
│   └── RevokedForEverError           a credential that is revoked is neither suspended nor reinstated
└── PresentationError             a wallet is not asked, or its answer not taken
    ├── QuestionRefusedError          this cannot be asked here
    ├── RequestNotFoundError          no such request of a wallet, or it is over
    ├── ResponseRefusedError          nobody's answer to it
    └── ResponseCodeError             who wants to know the answer is not who was sent back with it

Who somebody is to us has rooms with errors of their own below IdentityError: `identity.assurance.errors`,
`identity.passkeys.errors`, `identity.registration.errors`.
"""

from __future__ import annotations

from identity.openid4vci.faults import Fault
from identity.outcome import Check, Outcome


class IdentityError(Exception):
    """Root of this package's errors."""


class DidError(IdentityError):
    """No key comes of this DID."""


class DidUnreadableError(DidError):
    """It is not of its method's form."""


class DidKeyLengthError(DidUnreadableError):
    """Its key is longer or shorter than keys of its kind."""


class DidUnreachableError(DidError):
    """Its document cannot be had now."""


class DidUnsupportedError(DidError):
    """A method, or a kind of key, that we do not resolve."""


class CheckFailedError(IdentityError):
    """One check of a secured document did not hold."""

    def __init__(self, check: Check, detail: str, outcome: Outcome = Outcome.INVALID) -> None:
        super().__init__(f"{check}: {detail}")
        self.check, self.outcome, self.detail = check, outcome, detail


class DocumentError(IdentityError):
    """This document can be neither signed nor checked; the sentence says why."""


class DocumentLimitError(DocumentError):
    """Larger, deeper or more entangled than we take."""


class PoisonGraphError(DocumentLimitError):
    """Its blank nodes would take for ever to tell apart."""


class UnsignableValueError(DocumentError):
    """A value that a signature would not cover, or that two implementations would write differently."""


class UnknownContextError(DocumentError):
    """A context that is not in the library; none is fetched."""


class UndefinedTermError(DocumentError):
    """A term that no context defines: it would vanish from what is signed."""


class RenamedMemberError(DocumentError):
    """What verifiers look for by its name is written by another one, which a signature over RDF does not tell apart."""


class RelativeIdentifierError(DocumentError):
    """An identifier that is no absolute IRI."""


class MalformedDocumentError(DocumentError):
    """Not JSON-LD."""


class CredentialRefusedError(IdentityError):
    """What is to be issued or presented breaks a rule; nothing was signed."""


class ShowingRefusedError(IdentityError):
    """A credential was shown that does not prove what it should: nothing was done."""


class OfferGoneError(IdentityError):
    """An offer of a credential that is used, withdrawn, ended, guessed at too often, or never was: all alike."""

    def __init__(self) -> None:
        super().__init__("there is no such offer: it was used, withdrawn, has ended, or never was")


class WalletRefusedError(IdentityError):
    """A wallet's request cannot be served. Nothing that it sent is in the sentence."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class WalletError(IdentityError):
    """A holder's keys do not do what they should."""


class HolderKeyUnknownError(WalletError):
    """The credential is bound to a key that is not in this wallet."""


class WalletFullError(WalletError):
    """No more keys fit."""


class CredentialTooCostlyError(IdentityError):
    """It takes more time or memory to judge than one credential may, or its worker died of it."""


class IssuerUnnamedError(IdentityError):
    """This deployment was not told where others reach it, so it has no DID to issue under."""

    def __init__(self) -> None:
        super().__init__("the operator must say where others reach this service: SIGILLO_PUBLIC_URL=https://…")


class IssuerKeyUnknownError(IdentityError):
    """No such version of the issuer's keys."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the issuer has no key {key!r}: its DID document lists them, as in sigillo-issuer-p256@1")


class TokenError(IdentityError):
    """A token proves nothing."""


class TokenUnreadableError(TokenError):
    """It is not of its form, or beyond a limit."""


class IssuerUntrustedError(TokenError):
    """Its issuer is not among those believed here."""


class IssuerUnreachableError(IssuerUntrustedError):
    """Its issuer is believed here, and their key cannot be had now."""


class TokenInvalidError(TokenError):
    """It was read, and does not hold: `check` says in what."""

    def __init__(self, check: Check, detail: str) -> None:
        super().__init__(detail)
        self.check = check


class StatusError(IdentityError):
    """Nothing can be said about a credential's status."""


class StatusIndexError(StatusError):
    """The list has no such place."""


class StatusListFullError(StatusError):
    """No place of the list is free: begin another."""


class StatusListUnknownError(StatusError):
    """There is no such list here."""


class PlaceTakenError(StatusError):
    """Somebody else was given that place meanwhile: draw another."""


class CredentialUnknownError(StatusError):
    """No credential of that id has a status here."""


class RevokedForEverError(StatusError):
    """A credential that is revoked is neither suspended nor reinstated."""


class PresentationError(IdentityError):
    """A wallet is not asked, or its answer not taken."""


class QuestionRefusedError(PresentationError):
    """This cannot be asked here: nobody's word on it is believed."""


class RequestNotFoundError(PresentationError):
    """No such request of a wallet, or it is over."""


class ResponseRefusedError(PresentationError):
    """Not an answer to this request, which goes on waiting."""


class ResponseCodeError(PresentationError):
    """Who wants to know the answer is not who was sent back with it."""


class KeyUnfitError(IdentityError):
    """A key of the wrong length or kind, or one under which anything would verify."""


class SelectionError(IdentityError):
    """What should be shown or hidden cannot be chosen so: a pointer leads nowhere, or to a part of one statement."""


class ProofError(IdentityError):
    """The proof shows nothing."""


class ProofLimitError(ProofError):
    """Larger than we take."""


class ProofUnreadableError(ProofError):
    """It cannot be parsed."""


class ProofInvalidError(ProofError):
    """It is of something else, or does not hold."""
