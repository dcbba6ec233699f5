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
│   ├── RelativeIdentifierError   an identifier that is no absolute IRI
│   └── MalformedDocumentError    not JSON-LD
├── CredentialRefusedError        what is to be issued or presented breaks a rule; nothing was signed
├── IssuerUnnamedError            this deployment was not told where others reach it, so it has no DID
├── IssuerKeyUnknownError         no such version of the issuer's keys
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
├── PresentationError             a wallet is not asked, or its answer not taken
│   ├── QuestionRefusedError          this cannot be asked here
│   ├── RequestNotFoundError          no such request of a wallet, or it is over
│   ├── ResponseRefusedError          nobody's answer to it
│   └── ResponseCodeError             who wants to know the answer is not who was sent back with it
├── PasskeyError                  nobody is signed in, and nothing signed
│   ├── RelyingPartyError             this deployment has no host name, which passkeys are bound to
│   ├── ChallengeGoneError            answered, ended, for something else, or never was
│   ├── PasskeyUnreadableError        not of its form
│   ├── PasskeyInvalidError           it was read, and does not hold
│   │   └── PasskeyClonedError        its counter did not go on: two authenticators have it
│   ├── PasskeyNotFoundError          no such passkey here, or it was removed
│   ├── PasskeyBoundError             it is bound to an account already
│   ├── PasskeysFullError             the account has as many as it may
│   ├── LastPasskeyError              without it nobody would get in
│   ├── SignedOutError                an unknown, ended or revoked token
│   └── SignInAgainError              for this one must have signed in minutes ago
├── AssuranceError                what is asked of an account's assurance cannot be done
│   ├── AssurancePolicyError          a policy that cannot be used
│   ├── AssuranceProvidersError       providers that cannot be used
│   ├── AccountNotFoundError          no such account in this tenant, or it was erased
│   ├── EvidenceNotFoundError         the account has no such evidence
│   ├── EvidenceUnknownError          the policy grants nothing for that
│   ├── EvidenceSharedError           it stands behind as many accounts as it may
│   ├── EvidenceRefusedError          it was looked at, and proves nothing
│   ├── EvidenceUnaskedError          no such request of this account
│   ├── RequestEndedError             spent, failed or expired; `reason` says which
│   ├── WrongCodeError                not the code that was sent
│   ├── TooManyRequestsError          too much was begun; `retry_after` says when there is room again
│   ├── DestinationError              neither an e-mail address nor a phone number
│   ├── SenderAbsentError             nobody here can send a code
│   ├── CodeNotSentError              it was not sent; ask for another
│   ├── ProviderUnknownError          no provider of that name
│   ├── ProviderUnavailableError      it does not answer as it should
│   ├── WebhookRefusedError           not signed by whom it should be, or not now
│   └── WebhookMalformedError         signed, and not of its form
└── RegistrationError             what is asked of the registry cannot be done
    ├── RegistrationRulesError        rules or consent texts that cannot be used
    ├── RegisteringNotAllowedError    the rules of the place do not allow it
    ├── ConsentTextUnknownError       no text in that language; `languages` says which there are
    ├── ConsentOutdatedError          agreed to was another text than the one in force
    ├── TierTooLowError               of the account nothing, or too little, is known
    ├── AccountRegisteredError        the account has registrations that are kept, and is not erased before them
    ├── RegisteredAlreadyError        the account has registered its own face
    ├── TooManyRegistrationsError     of this account or caller; `retry_after` says when there is room again
    ├── RegistrationNotFoundError     no such registration in this tenant
    ├── RegistrationEndedError        it is not what it would have to be for that; `state` says what it is
    ├── RegistrationHoldNotFoundError no such hold
    ├── HoldDecidedError              somebody has decided it
    ├── OvertakenError                what something was prepared against is no more; prepare it again
    ├── RegistryBusyError             others register faster than one can be compared with them
    ├── RecoveryCodeError             these are not the words of a recovery code, or not of this one
    ├── TooManyGuessesError           of a recovery code; `retry_after` says when there is room again
    ├── RecoveryBusyError             as many codes are looked at as may be at once
    └── NotLeavingError               no withdrawal is under way that could be stopped
"""

from __future__ import annotations

from collections.abc import Sequence

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


class RelativeIdentifierError(DocumentError):
    """An identifier that is no absolute IRI."""


class MalformedDocumentError(DocumentError):
    """Not JSON-LD."""


class CredentialRefusedError(IdentityError):
    """What is to be issued or presented breaks a rule; nothing was signed."""


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


class PasskeyError(IdentityError):
    """Nobody is signed in, and nothing signed."""


class RelyingPartyError(PasskeyError):
    """This deployment has no host name, which passkeys are bound to."""

    def __init__(self) -> None:
        super().__init__(
            "passkeys are bound to a host name, and this deployment is reached by an IP address: the operator must set "
            "SIGILLO_PUBLIC_URL=https://…"
        )


class ChallengeGoneError(PasskeyError):
    """A challenge that was answered, has ended, is for something else, or never was: all alike."""

    def __init__(self) -> None:
        super().__init__(
            "nothing waits for this answer: it came before, too late, or is to another question; begin anew"
        )


class PasskeyUnreadableError(PasskeyError):
    """Not of its form."""


class PasskeyInvalidError(PasskeyError):
    """It was read, and does not hold."""


class PasskeyClonedError(PasskeyInvalidError):
    """Its counter did not go on."""

    def __init__(self) -> None:
        super().__init__(
            "the passkey's counter did not go on, so two authenticators have it: sign in with another, and remove it"
        )


class PasskeyNotFoundError(PasskeyError):
    """No such passkey here, or it was removed: the two look alike."""

    def __init__(self) -> None:
        super().__init__("there is no such passkey here: it was removed, or never bound")


class PasskeyBoundError(PasskeyError):
    """It is bound to an account already."""

    def __init__(self) -> None:
        super().__init__("this passkey is bound already: sign in with it")


class PasskeysFullError(PasskeyError):
    """The account has as many as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the account has {most} passkeys, as many as it may: remove one first")


class LastPasskeyError(PasskeyError):
    """Without it nobody would get in."""

    def __init__(self) -> None:
        super().__init__("it is the account's only passkey: bind another first, or erase the account")


class SignedOutError(PasskeyError):
    """An unknown, ended or revoked token: all alike."""

    def __init__(self) -> None:
        super().__init__("you are not signed in, or not any more: sign in with POST /v1/people/sign-ins")


class SignInAgainError(PasskeyError):
    """For this one must have signed in minutes ago."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"for this you must have signed in within the last {minutes} minutes: sign in again")


class AssuranceError(IdentityError):
    """What is asked of an account's assurance cannot be done."""


class AssurancePolicyError(AssuranceError):
    """A policy that cannot be used; the sentence says where."""


class AssuranceProvidersError(AssuranceError):
    """Providers that cannot be used; the sentence says where, and shows no secret."""


class AccountNotFoundError(AssuranceError):
    """No such account in this tenant, or it was erased: the two look alike."""

    def __init__(self) -> None:
        super().__init__(
            "there is no such account: open one with POST /v1/assurance/accounts; a person does with POST /v1/people"
        )


class EvidenceNotFoundError(AssuranceError):
    """The account has no such evidence, or no more."""

    def __init__(self) -> None:
        super().__init__("the account has no such evidence; GET its path to see what it has")


class EvidenceUnknownError(AssuranceError):
    """The policy grants nothing for that."""


class EvidenceSharedError(AssuranceError):
    """An address, number or login stands behind as many accounts as it may."""

    def __init__(self, accounts: int) -> None:
        super().__init__(
            f"this stands behind {accounts} other account{'s' * (accounts > 1)} already, as many as the policy allows; "
            "use another, or withdraw it there"
        )


class EvidenceRefusedError(AssuranceError):
    """It was looked at, and proves nothing."""


class EvidenceUnaskedError(AssuranceError):
    """No such request of this account."""

    def __init__(self) -> None:
        super().__init__("the account has no such request for evidence; begin one")


class RequestEndedError(AssuranceError):
    """A request that can be completed no more."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this request for evidence is {reason}; begin another")
        self.reason = reason


class WrongCodeError(AssuranceError):
    """Not the code that was sent."""

    def __init__(self, attempts_left: int) -> None:
        super().__init__(
            f"this is not the code that was sent; {attempts_left} more attempts"
            if attempts_left
            else "this is not the code that was sent, and there are no more attempts: begin another request"
        )
        self.attempts_left = attempts_left


class TooManyRequestsError(AssuranceError):
    """Too much was begun for this account, address or number."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests for evidence were begun; try again in {retry_after} s")
        self.retry_after = retry_after


class DestinationError(AssuranceError):
    """Neither an e-mail address nor a phone number."""


class SenderAbsentError(AssuranceError):
    """Nobody here can send a code."""

    def __init__(self) -> None:
        super().__init__(
            "this deployment sends no codes: the operator must name a gateway in SIGILLO_ASSURANCE_PROVIDERS"
        )


class CodeNotSentError(AssuranceError):
    """It was not sent; ask for another."""


class ProviderUnknownError(AssuranceError):
    """No provider of that name."""


class ProviderUnavailableError(AssuranceError):
    """It does not answer as it should."""


class WebhookRefusedError(AssuranceError):
    """Not signed by whom it should be, or not now."""


class WebhookMalformedError(AssuranceError):
    """Signed, and not of its form."""

    def __init__(self) -> None:
        super().__init__('the message has exactly two members: {"request": "arq_…", "result": "approved"}')


class RegistrationError(IdentityError):
    """What is asked of the registry cannot be done."""


class RegistrationRulesError(RegistrationError):
    """Rules or consent texts that cannot be used; the sentence says where."""


class RegisteringNotAllowedError(RegistrationError):
    """The rules of the place do not allow it; the sentence is theirs."""

    def __init__(self, rules: str, basis: str) -> None:
        super().__init__(f"{rules} does not allow registering there: {basis}")
        self.rules = rules


class ConsentTextUnknownError(RegistrationError):
    """There is no text in that language."""

    def __init__(self, languages: Sequence[str]) -> None:
        known = ", ".join(languages)
        said = f"there is one in {known}" if known else "nothing of this kind is registered there"
        super().__init__(f"there is no consent text in this language: {said}")
        self.languages = list(languages)


class ConsentOutdatedError(RegistrationError):
    """Agreed to was another text than the one in force."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"the text in force is {text}, and this is not its SHA-256: show the person that text, and register again"
        )
        self.text = text


class TierTooLowError(RegistrationError):
    """Too little is known of who holds the account."""

    def __init__(self, tier: str, needed: str) -> None:
        super().__init__(
            f"the account's tier is {tier}, and registering needs {needed}: POST /v1/assurance/accounts/…/step-ups "
            "says how to get there"
        )
        self.tier, self.needed = tier, needed


class AccountRegisteredError(RegistrationError):
    """Nobody could withdraw what an erased account registered."""

    def __init__(self, registrations: Sequence[str]) -> None:
        super().__init__(
            f"the account has registered {', '.join(registrations)}: withdraw that first, for nobody could afterwards"
        )
        self.registrations = list(registrations)


class RegisteredAlreadyError(RegistrationError):
    """The account has registered its own face."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            f"this account has registered its own face as {registration}: withdraw that first, or state for whom else "
            "this is"
        )
        self.registration = registration


class TooManyRegistrationsError(RegistrationError):
    """Too much was registered by this account, or by this caller."""

    def __init__(self, whose: str, retry_after: int) -> None:
        super().__init__(f"{whose} has registered as much as it may for now; try again in {retry_after} s")
        self.retry_after = retry_after


class RegistrationNotFoundError(RegistrationError):
    """No such registration in this tenant, or not the caller's: they look alike."""

    def __init__(self) -> None:
        super().__init__("there is no such registration")


class RegistrationEndedError(RegistrationError):
    """It is not what it would have to be."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the registration is {state}")
        self.state = state


class RegistrationHoldNotFoundError(RegistrationError):
    """No such hold in this tenant."""

    def __init__(self) -> None:
        super().__init__("there is no such held registration; GET /v1/registrations/holds lists them")


class HoldDecidedError(RegistrationError):
    """Somebody has decided it."""

    def __init__(self, state: str) -> None:
        super().__init__(f"this registration was {state} before")
        self.state = state


class OvertakenError(RegistrationError):
    """What something was prepared against is no more: prepare it again."""

    def __init__(self) -> None:
        super().__init__("somebody was faster; nothing was kept, send it again")


class RegistryBusyError(RegistrationError):
    """Others register faster than one can be compared with them."""

    def __init__(self) -> None:
        super().__init__("others register just now; nothing was kept, send it again in a moment")


class RecoveryCodeError(RegistrationError):
    """Not the words of a recovery code, or not of this registration's: they look alike."""

    def __init__(self) -> None:
        super().__init__("this is not the recovery code: twelve words, as they were shown once")


class TooManyGuessesError(RegistrationError):
    """Too many codes for one registration."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many codes were tried for this registration; try again in {retry_after} s")
        self.retry_after = retry_after


class RecoveryBusyError(RegistrationError):
    """As many codes are looked at as may be at once."""

    def __init__(self) -> None:
        super().__init__("too many recovery codes are looked at just now; send it again in a moment")


class NotLeavingError(RegistrationError):
    """Nothing to stop."""

    def __init__(self) -> None:
        super().__init__("nobody asked to withdraw this registration with its recovery code")
