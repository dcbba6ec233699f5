"""Everything a case can refuse.

CasesError
├── AssetNotFoundError         no such asset, or not yours: the two look alike
├── AssetGoneError             it was here; retention or erasure took it
├── AssetHeldError             it is signed and not given out: a person decides; `reason` says what for
├── LikenessUnknownError       whom a file shows cannot be told now; `reason` says why
├── LikenessLimitError         as many checks as the tool may make; `retry_after` says when there is room again
├── LikenessTokenError         not a likeness check that this tool was given, allowed, minutes ago
├── LikenessHoldNotFoundError  no such asset is held in this tenant, or not any more
├── MatchNotFoundError         no such line in the log of that registration
├── MatchAnsweredError         the person has answered to it
├── RecoveryUnknownError       whether a file is a copy of something signed here cannot be told; `reason` says why
├── SoftBindingError           no fingerprint of an algorithm by which anything is found here
├── ManifestIdError            no manifest has such an id
├── ManifestNotFoundError      no manifest of that id is given to this caller
├── ReferenceRefusedError      nothing that a caller points at is fetched
├── CommonPictureNotFoundError no such common picture was added in this tenant
├── CustodyTooLargeError       its graph or bundle would be cut, and is not given away so
├── HandoverNotFoundError      nothing is offered to the caller, or by them, of that asset
├── BatchNotFoundError         no such batch, or it is over, or not yours
├── BatchLimitError            as many batches as one owner may have under way
├── HoldNotFoundError          no legal hold of that name in this tenant
├── TrustListNotFoundError     no list of that name is in force
├── TrustListChangedError      another list is in force than the one that was compared with
├── ParentRefusedError         the upload's earlier manifest is broken and policy refuses that
├── OtherHistoryError          a transformation's bytes bring another file's manifest
├── IdempotencyConflictError   the key was used with another body
├── SigningSuspendedError      nothing is signed with the certificate in force
│   ├── SignerRevokedError     it is revoked
│   └── RevocationUnknownError nobody says any more whether it is
├── ClaimKeyNotFoundError      no such version of the claim key, or it was never certified
├── PhotoNotTakenError         a photo cannot be registered; `reason` says why, `photo` which
├── PortraitRefusedError       the portrait that came with photos cannot be compared; `reason` says why
├── PhotosDifferError          they do not show one person
├── ConsentUnsignedError       a person who is signed in signs what they agree to
├── OwnReviewError             whoever brought it does not decide about it
├── UnknownKeyError            no such API key, or revoked
├── ApiKeyNotFoundError        no such API key in this tenant
├── ScopeMissingError          the key may not do this
├── PersonRefusedError         this is for API keys, and a person asks
├── InvitationGoneError        no such invitation of staff, or it was used, taken back, or is over
├── StaffAlreadyError          an account has one role
├── StaffNotFoundError         nobody of that id is of the staff of this tenant
├── StaffRemovedError          they were of the staff, and are not any more
├── GrantTooWideError          nobody hands on a scope or source type they do not hold
└── PrincipalNotFoundError     no such principal in this tenant
"""

from __future__ import annotations

from ledger.span import in_words


class CasesError(Exception):
    """Root of this package's errors."""


class AssetNotFoundError(CasesError):
    """No such asset, or it belongs to someone else; a stranger cannot tell which."""


class AssetGoneError(CasesError):
    """The asset's content is no longer kept; `reason` is `expired` or `erased`."""

    def __init__(self, reason: str) -> None:
        said = {
            "expired": "its retention period has ended and the media were deleted",
            "erased": "it was erased; only its ledger entries remain",
        }
        super().__init__(said[reason])
        self.reason = reason


class AssetHeldError(CasesError):
    """It is signed and not given out."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "this file is held and not given out until a person has decided; GET /v1/assets/{id} says why, and "
            "POST /v1/assets/{id}/appeal objects to it"
        )
        self.reason = reason


class CustodyTooLargeError(CasesError):
    """A bundle with something left out would not be the custody of the file."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"the custody of this file is too large for a bundle ({limit}): hand over the file itself")


class HandoverNotFoundError(CasesError):
    """Nothing is offered to the caller, or by them, of that asset; what does not concern them looks alike."""

    def __init__(self) -> None:
        super().__init__("no hand-over of this asset is offered to you, or by you; GET /v1/handovers lists what is")


class LikenessUnknownError(CasesError):
    """Whom a file shows cannot be told now. Never to be read as: nobody who refuses."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(f"whether this shows somebody who refuses to be imitated cannot be told now, ask again: {why}")
        self.reason = reason


class LikenessLimitError(CasesError):
    """As many checks as the tool may make. Which of its limits it met is not said."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"this tool has asked as much as it may; try again in {in_words(retry_after)}")
        self.retry_after = retry_after


class LikenessTokenError(CasesError):
    """Not a likeness check that this tool was given, allowed, minutes ago."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this likeness check goes into no manifest: {why}; ask again at POST /v1/likeness-checks")


class CommonPictureNotFoundError(CasesError):
    """Nobody added it, or it was removed."""

    def __init__(self) -> None:
        super().__init__("no such common picture was added here: the list names those that were")


class LikenessHoldNotFoundError(CasesError):
    """No such asset is held in this tenant."""

    def __init__(self) -> None:
        super().__init__("this asset is not held, or not any more; GET /v1/likeness-holds lists those that are")


class MatchNotFoundError(CasesError):
    """No such line in the log of that registration."""

    def __init__(self) -> None:
        super().__init__("there is no such match in the log of this registration")


class MatchAnsweredError(CasesError):
    """The person has answered to it."""

    def __init__(self, response: str) -> None:
        super().__init__(f"this match was {response} before, and stays so")
        self.response = response


class RecoveryUnknownError(CasesError):
    """It could not be looked, so nothing is known. Never to be read as nothing found."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SoftBindingError(CasesError):
    """The query is no fingerprint that anything could be found by; the text says what would be."""


class ManifestIdError(CasesError):
    """It is not the form of a manifest's id."""


class ManifestNotFoundError(CasesError):
    """There is none, or it is not for this caller: the two look alike."""

    def __init__(self) -> None:
        super().__init__("no manifest of that id is kept here for you")


class ReferenceRefusedError(CasesError):
    """Nothing is fetched on a caller's word."""

    def __init__(self) -> None:
        super().__init__("nothing that a caller points at is fetched here: send the file itself to /matches/byContent")


class BatchNotFoundError(CasesError):
    """No such batch, or it is over, or somebody else's."""

    def __init__(self, batch: str) -> None:
        super().__init__(f"there is no batch {batch}: begin one with POST /v1/batches")


class BatchLimitError(CasesError):
    """One owner has as many batches under way as they may."""


class HoldNotFoundError(CasesError):
    """No legal hold of that name in this tenant."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no legal hold {name!r} in this tenant: GET /v1/holds, or `sigillo holds list`, names them; what "
            "else is held goes by the ast_… or hld_… that the list gives it"
        )


class PhotoNotTakenError(CasesError):
    """A photo cannot be registered; its words are for the person."""

    def __init__(self, photo: int, reason: str, sentence: str) -> None:
        super().__init__(f"photo {photo}: {sentence}")
        self.photo, self.reason = photo, reason


class PortraitRefusedError(CasesError):
    """What came as the portrait of an identity document cannot be compared; its words are for the person."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(f"portrait: {sentence}")
        self.reason = reason


class PhotosDifferError(CasesError):
    """The photos do not show one person, or not well enough to tell."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(
            f"photos {one} and {other} do not look like one person: send photos of one person, from the front and in "
            "good light"
        )
        self.photos = [one, other]


class ConsentUnsignedError(CasesError):
    """A person who is signed in signs what they agree to."""

    def __init__(self) -> None:
        super().__init__(
            "sign what you agree to: POST /v1/registrations/statements, then /v1/people/me/signatures, and send the "
            "passkey's answer in consent.passkey"
        )


class OwnReviewError(CasesError):
    """Whoever brought a registration, or uploaded an asset that is held, does not decide about it."""

    def __init__(self) -> None:
        super().__init__("this was brought with the same principal: somebody else has to look at it")


class TrustListNotFoundError(CasesError):
    """No list of that name is in force."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no trust list {name} is in force; `sigillo trust list` names those that are")


class TrustListChangedError(CasesError):
    """Another list is in force than the one that was compared with."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the trust list {name} is not the one that was compared with: compare again")


class ParentRefusedError(CasesError):
    """This deployment refuses uploads whose earlier manifest is broken or untrusted."""

    def __init__(self, verdict: str, codes: tuple[str, ...]) -> None:
        super().__init__(
            f"the file carries an earlier manifest that is {verdict} ({', '.join(codes) or 'no code given'}), "
            "and this deployment does not sign on top of such a file"
        )
        self.verdict, self.codes = verdict, codes


class OtherHistoryError(CasesError):
    """A transformation's bytes bring a manifest that is not of the file it is said to be made from."""

    def __init__(self) -> None:
        super().__init__(
            "this file carries a manifest of its own, and not that of the asset it is said to be made from; upload it "
            "to /v1/assets, where its own manifest becomes the parent"
        )


class IdempotencyConflictError(CasesError):
    """This Idempotency-Key was used with another body."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was already used with a different body; use a new key for a new request")


class SigningSuspendedError(CasesError):
    """Nothing is signed with the certificate in force; nothing was written."""


class SignerRevokedError(SigningSuspendedError):
    """The certificate that signs is revoked."""

    def __init__(self, key: str, revocation: object) -> None:
        super().__init__(
            f"the certificate of {key} was {revocation}, and nothing is signed with it: the operator must make a new "
            "version (`sigillo keys rotate`)"
        )


class RevocationUnknownError(SigningSuspendedError):
    """Whether the certificate that signs is revoked has not been said for too long."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(
            f"whether the certificate of {key} is revoked cannot be told, and nothing is signed until it can: {why}"
        )


class ClaimKeyNotFoundError(CasesError):
    """No such version of the claim key, or none that was ever certified."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"there is no version {key!r} of the claim key with a certificate (as in sigillo-claim@2); a key of the "
            "issuer's is revoked at /v1/issuer-keys/…/revocation"
        )


class UnknownKeyError(CasesError):
    """No such API key, or it was revoked; the two look alike."""

    def __init__(self) -> None:
        super().__init__("this API key is unknown or revoked; ask the operator for a new one")


class ApiKeyNotFoundError(CasesError):
    """No such API key in this tenant."""


class ScopeMissingError(CasesError):
    """The key is sound but may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this API key lacks the scope `{scope}`")
        self.scope = scope


class PersonRefusedError(CasesError):
    """This is for API keys, and a person asks, who is signed in."""

    def __init__(self) -> None:
        super().__init__("this is for API keys: a person who is signed in reaches their own account, and nothing else")


class GrantTooWideError(CasesError):
    """Nobody hands on a scope or source type they do not hold."""

    def __init__(self, wider: list[str]) -> None:
        super().__init__(f"you may not grant {', '.join(wider)}: it is not yours to hand on")


class InvitationGoneError(CasesError):
    """No such invitation, or it was used, taken back, or is over: all alike."""

    def __init__(self) -> None:
        super().__init__("this invitation is not good, or not any more: ask whoever invited you for a new link")


class StaffAlreadyError(CasesError):
    """An account has one role."""

    def __init__(self) -> None:
        super().__init__("you have a role here already: have it taken back first, or come with another account")


class StaffNotFoundError(CasesError):
    """Nobody of that id is of the staff of this tenant."""

    def __init__(self) -> None:
        super().__init__("there is nobody of that id among the staff, and no invitation")


class StaffRemovedError(CasesError):
    """They were of the staff, and are not any more."""

    def __init__(self) -> None:
        super().__init__("your role was taken back while this was under way: nothing was done")


class PrincipalNotFoundError(CasesError):
    """No such principal in this tenant."""
