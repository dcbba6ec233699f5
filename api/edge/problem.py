"""Errors as RFC 9457 problems: one table, one answer.

Rules
- `type` is `urn:sigillo:problem:<slug>` and stable; `docs/problems.md` lists each.
- `detail` says what to do. What we did not foresee says nothing about itself: it is logged, and answered as 500.
- The row of the narrowest class wins; an error without a row is one we did not foresee.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.edge.auth import (
    CrossSiteError,
    InClearError,
    RoleMissingError,
    SignInNeededError,
    StaleFormError,
    UnauthenticatedError,
)
from api.edge.body import BodyError, BodyTimeoutError, BodyTooLargeError
from api.edge.faults import told
from api.edge.qr_code import LinkTooLongError
from api.edge.throttle import ConnectionsBusyError, RateExceededError
from api.edge.upload import UploadError, UploadsBusyError, UploadTooLargeError
from api.running.log import logger
from cases import errors as cases
from detection import errors as detection
from detection.faces.quality import PhotoRefusedError
from identity import errors as identity
from identity.assurance import errors as assurance
from identity.passkeys import errors as passkeys
from identity.registration import errors as registration
from identity.vc_api.jobs import DerivationRefusedError
from identity.vc_api.request import RequestUnreadableError
from keys import errors as keys
from ledger import errors as ledger
from provenance import errors as provenance

_TRY_AGAIN = "nothing was written, try again; if it goes on, the operator sees why in /readyz"
_ADVICE = {
    "damaged": "it is not what was stored, so none of it is given out: an operator must look, and the request id in "
    "X-Request-Id finds it in the log; an asset can be erased all the same",
    "key-missing": "nothing was written; the operator sees in /readyz or `sigillo keys status` which: if none is left "
    "that signs, `sigillo keys rotate` makes one, for credentials with --issuer; a tenant's wrapping key comes back "
    "from a backup of the key store alone",
}
"""What to do, without where key store and database are and what they said: that is for `readyz` and the operator."""

URN = "urn:sigillo:problem:"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETRY_SECONDS = 2
"""What a caller is told to wait when a part is not ready."""


@dataclass(frozen=True)
class Problem:
    """How one class of errors is answered. An error's own `code` and `detail` win over `slug` and its text."""

    slug: str
    status: int
    title: str
    members: tuple[str, ...] = ()
    """Attributes of the error that become extension members."""

    headers: Mapping[str, str] = field(default_factory=dict)


_DAMAGED = Problem("damaged", 500, "What is kept of this is damaged")


def _later(slug: str, title: str, **headers: str) -> Problem:
    return Problem(slug, 503, title, headers={"Retry-After": str(RETRY_SECONDS), **headers})


PROBLEMS: dict[type[Exception], Problem] = {
    CrossSiteError: Problem("cross-site", 403, "Another site's page sent this"),
    StaleFormError: Problem("form-stale", 403, "This form is not for you as you are now"),
    SignInNeededError: Problem("sign-in-needed", 401, "Nobody is signed in"),
    RoleMissingError: Problem("role-missing", 403, "This page is for others"),
    InClearError: _later("signing-in-unavailable", "Nobody can sign in here"),
    UnauthenticatedError: Problem(
        "unauthenticated", 401, "An API key is needed", headers={"WWW-Authenticate": 'Bearer realm="sigillo"'}
    ),
    cases.UnknownKeyError: Problem(
        "unknown-key", 401, "Unknown API key", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    ),
    cases.ScopeMissingError: Problem("scope-missing", 403, "The API key may not do this", ("scope",)),
    cases.PersonRefusedError: Problem("person-refused", 403, "This is for API keys"),
    cases.GrantTooWideError: Problem("grant-too-wide", 403, "The API key may not grant this"),
    RateExceededError: Problem("rate-exceeded", 429, "Too many requests", ("retry_after",)),
    ConnectionsBusyError: _later("connections-busy", "Too many connections are open", Connection="close"),
    BodyTooLargeError: Problem("body-too-large", 413, "The request body is too large", ("limit",)),
    BodyTimeoutError: Problem("upload-timeout", 408, "The request body took too long", headers={"Connection": "close"}),
    UploadTooLargeError: Problem("upload-too-large", 413, "The file is too large", ("limit",)),
    UploadsBusyError: _later("uploads-busy", "Too many uploads are under way"),
    UploadError: Problem("upload-malformed", 400, "The upload is malformed"),
    detection.UnsupportedMediaError: Problem("media-unsupported", 415, "This kind of file is not supported yet"),
    detection.MissingDecoderError: Problem("media-decoder-missing", 415, "No decoder for it is installed here"),
    detection.UnsupportedCodecError: Problem(
        "media-codec-unsupported", 415, "What is inside the file is not supported"
    ),
    detection.UnrecognisedMediaError: Problem("media-unrecognised", 415, "This is no known kind of file"),
    PhotoRefusedError: Problem("photo-refused", 422, "This photo will not do", ("reason",)),
    detection.MediaTooLargeError: Problem("media-too-large", 413, "The file exceeds a limit"),
    detection.MediaError: Problem("media-refused", 422, "The file was refused"),
    detection.RequestTooLargeError: Problem("claim-too-large", 413, "The claim is too large", ("limit", "actual")),
    detection.WorkerTimeoutError: Problem("media-timeout", 422, "The file takes too long to process"),
    detection.WorkerMemoryError: Problem("media-memory", 422, "The file takes too much memory to process"),
    detection.WorkerError: Problem("media-crash", 422, "The file could not be processed"),
    detection.JobFailedError: Problem("job-failed", 500, "The file could not be processed"),
    detection.RotationUnderWayError: Problem("rotation-under-way", 409, "The rotation key is being renewed already"),
    detection.MatchUnknownError: _later("match-unknown", "It cannot be told whether a face is registered"),
    detection.EncoderUnusableError: Problem("encoder-unusable", 500, "This deployment's encoder cannot be used"),
    detection.SandboxError: _later("workers-unavailable", "No worker is free"),
    detection.AbsenceUnknownError: Problem("absence-not-found", 404, "No such proof of absence"),
    detection.AbsencePendingError: _later("absence-pending", "The proof is not there yet"),
    provenance.ClaimRefusedError: Problem("claim-refused", 422, "The claim was refused", ("field",)),
    provenance.FormatUnsupportedError: Problem("format-unsupported", 415, "C2PA has no manifest for this kind of file"),
    provenance.TrustListError: Problem("trust-list", 422, "This trust list is not taken"),
    provenance.TrustPolicyError: Problem("trust-policy", 422, "These trust anchors cannot be used"),
    provenance.BundleMalformedError: Problem("bundle-malformed", 422, "This is no custody bundle"),
    provenance.BundleInvalidError: Problem("bundle-invalid", 422, "The custody bundle does not hold", ("fault",)),
    provenance.ManifestBuildError: Problem("manifest-build", 422, "The manifest could not be built"),
    provenance.TimeStampUnavailableError: _later("time-stamp-unavailable", "No time-stamp can be had"),
    provenance.ClaimInvalidError: Problem("claim-invalid", 422, "This cannot be signed as a claim"),
    provenance.ClaimBytesError: Problem("media-crash", 422, "The file could not be processed"),
    cases.TrustListNotFoundError: Problem("trust-list-not-found", 404, "No such trust list is in force"),
    cases.TrustListChangedError: Problem("trust-list-changed", 409, "The trust list has changed meanwhile"),
    cases.AssetNotFoundError: Problem("asset-not-found", 404, "No such asset"),
    cases.AssetGoneError: Problem("asset-gone", 410, "The asset is no longer kept", ("reason",)),
    cases.ParentRefusedError: Problem("parent-refused", 422, "The earlier manifest is not acceptable", ("verdict",)),
    cases.OtherHistoryError: Problem("other-history", 422, "The file has another history"),
    cases.SignerRevokedError: _later("signer-revoked", "The certificate that signs is revoked"),
    cases.RevocationUnknownError: _later(
        "revocation-unknown", "Whether the certificate that signs is revoked is unknown"
    ),
    cases.ClaimKeyNotFoundError: Problem("claim-key-not-found", 404, "No such version of the claim key"),
    cases.IdempotencyConflictError: Problem("idempotency-conflict", 422, "Idempotency-Key used for another request"),
    cases.ApiKeyNotFoundError: Problem("api-key-not-found", 404, "No such API key"),
    cases.InvitationGoneError: Problem("invitation-gone", 404, "No such invitation"),
    cases.StaffAlreadyError: Problem("staff-already", 409, "You have a role already"),
    cases.StaffNotFoundError: Problem("staff-not-found", 404, "Nobody of the staff has that id"),
    cases.StaffRemovedError: Problem("staff-removed", 403, "Your role was taken back"),
    cases.PrincipalNotFoundError: Problem("principal-not-found", 404, "No such principal"),
    keys.KeyStoreSealedError: _later("key-store-sealed", "The key store is sealed"),
    keys.KeyStoreForbiddenError: _later("key-store-forbidden", "The key store refuses this service"),
    keys.CertificateUnfitError: _later("certificate-unfit", "The claim key's certificate does not fit it"),
    keys.KeyStoreUnavailableError: _later("key-store-down", "The key store does not answer"),
    keys.SealBrokenError: _DAMAGED,
    keys.KeyNotFoundError: _later("key-missing", "The key store lacks a key this needs"),
    RequestUnreadableError: Problem("vc-api-request", 400, "The request is not of VC-API's form"),
    DerivationRefusedError: Problem("derivation-refused", 400, "Nothing can be derived so"),
    identity.CredentialTooCostlyError: Problem("credential-too-costly", 400, "It takes too much work to judge"),
    identity.QuestionRefusedError: Problem("question-refused", 422, "This cannot be asked of a wallet"),
    identity.RequestNotFoundError: Problem("wallet-request-not-found", 404, "No such request to a wallet"),
    identity.ResponseCodeError: Problem("response-code-missing", 403, "The answer is for who was sent back"),
    LinkTooLongError: Problem("link-too-long", 422, "The link is too long for a QR code"),
    identity.ShowingRefusedError: Problem("presentation-refused", 403, "What was shown does not prove it"),
    identity.CredentialRefusedError: Problem("credential-refused", 400, "The credential is refused"),
    identity.DocumentError: Problem("document-refused", 400, "The document cannot be signed"),
    identity.SelectionError: Problem("selection-refused", 400, "This cannot be chosen so"),
    identity.ProofLimitError: Problem("document-too-large", 400, "The document is too large for this proof"),
    identity.KeyUnfitError: _later("issuer-key-unfit", "The issuer's key is not the one that is published"),
    identity.IssuerUnnamedError: _later("issuer-unnamed", "This deployment has no DID to issue under"),
    identity.IssuerKeyUnknownError: Problem("issuer-key-not-found", 404, "No such key of the issuer's"),
    identity.PlaceTakenError: _later("status-list-busy", "No place in a status list could be had"),
    identity.OfferGoneError: Problem("offer-not-found", 404, "No such offer of a credential"),
    identity.CredentialUnknownError: Problem("credential-not-found", 404, "No such credential"),
    identity.RevokedForEverError: Problem("credential-revoked", 409, "A revocation is not undone"),
    identity.StatusListUnknownError: Problem("status-list-not-found", 404, "No such status list"),
    cases.AssetHeldError: Problem("asset-held", 409, "The asset is held", ("reason",)),
    cases.LikenessUnknownError: Problem(
        "likeness-unknown", 503, "Whom it shows cannot be told now", ("reason",), {"Retry-After": str(RETRY_SECONDS)}
    ),
    cases.LikenessLimitError: Problem("likeness-limit", 429, "Too much was asked about likenesses", ("retry_after",)),
    cases.LikenessTokenError: Problem("likeness-token", 422, "The likeness check is not acceptable"),
    cases.LikenessHoldNotFoundError: Problem("likeness-hold-not-found", 404, "No such held asset"),
    cases.CommonPictureNotFoundError: Problem("common-picture-not-found", 404, "No such common picture"),
    cases.MatchNotFoundError: Problem("match-not-found", 404, "No such match"),
    cases.MatchAnsweredError: Problem("match-answered", 409, "The match was answered", ("response",)),
    cases.RecoveryUnknownError: Problem(
        "recovery-unknown",
        503,
        "Whether it is known here cannot be told now",
        ("reason",),
        {"Retry-After": str(RETRY_SECONDS)},
    ),
    cases.SoftBindingError: Problem("soft-binding-query", 400, "Nothing can be found by this"),
    cases.ManifestIdError: Problem("manifest-id", 400, "This is no manifest's id"),
    cases.ManifestNotFoundError: Problem("manifest-not-found", 404, "No such manifest"),
    cases.ReferenceRefusedError: Problem("reference-refused", 403, "References are not followed"),
    cases.CustodyTooLargeError: Problem("custody-too-large", 422, "The custody is too large for a bundle"),
    cases.HandoverNotFoundError: Problem("handover-not-found", 404, "No such hand-over"),
    cases.BatchNotFoundError: Problem("batch-not-found", 404, "No such batch"),
    cases.BatchLimitError: Problem("batch-limit", 409, "Too many batches under way"),
    cases.HoldNotFoundError: Problem("hold-not-found", 404, "No such legal hold"),
    assurance.AccountNotFoundError: Problem("account-not-found", 404, "No such account"),
    assurance.EvidenceNotFoundError: Problem("evidence-not-found", 404, "No such evidence"),
    assurance.EvidenceUnknownError: Problem("evidence-unknown", 422, "The policy grants nothing for this"),
    assurance.EvidenceSharedError: Problem("evidence-shared", 409, "It stands behind other accounts"),
    assurance.EvidenceRefusedError: Problem("evidence-refused", 422, "It proves nothing"),
    assurance.EvidenceUnaskedError: Problem("evidence-request-not-found", 404, "No such request for evidence"),
    assurance.RequestEndedError: Problem(
        "evidence-request-ended", 410, "The request for evidence has ended", ("reason",)
    ),
    assurance.WrongCodeError: Problem("wrong-code", 422, "This is not the code", ("attempts_left",)),
    assurance.TooManyRequestsError: Problem("too-many-requests", 429, "Too much was begun", ("retry_after",)),
    assurance.DestinationError: Problem("destination-malformed", 422, "Neither an e-mail address nor a phone number"),
    assurance.SenderAbsentError: Problem("codes-not-offered", 501, "Codes are not sent here"),
    assurance.CodeNotSentError: _later("code-not-sent", "The code was not sent"),
    assurance.ProviderUnknownError: Problem("provider-not-found", 404, "No such provider"),
    assurance.ProviderUnavailableError: _later("provider-unavailable", "The provider does not answer as it should"),
    assurance.WebhookRefusedError: Problem("webhook-refused", 401, "The webhook is not signed as it should be"),
    assurance.WebhookMalformedError: Problem("webhook-malformed", 422, "The webhook does not have its form"),
    passkeys.RelyingPartyError: _later("passkeys-unnamed", "This deployment has no host name for passkeys"),
    passkeys.ChallengeGoneError: Problem("passkey-challenge-gone", 410, "Nothing waits for this answer"),
    passkeys.PasskeyUnreadableError: Problem("passkey-unreadable", 400, "The passkey's answer cannot be read"),
    passkeys.PasskeyInvalidError: Problem("passkey-refused", 403, "The passkey's answer does not hold"),
    passkeys.PasskeyClonedError: Problem("passkey-cloned", 403, "Two authenticators have this passkey"),
    passkeys.PasskeyNotFoundError: Problem("passkey-not-found", 404, "No such passkey"),
    passkeys.PasskeyBoundError: Problem("passkey-bound", 409, "The passkey is bound already"),
    passkeys.PasskeysFullError: Problem("passkeys-full", 409, "The account has as many passkeys as it may"),
    passkeys.LastPasskeyError: Problem("passkey-last", 409, "It is the account's only passkey"),
    passkeys.SignedOutError: Problem(
        "signed-out", 401, "Nobody is signed in", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    ),
    passkeys.SignInAgainError: Problem("sign-in-again", 403, "Sign in again first"),
    detection.FingerprintRefusedError: Problem(
        "picture-not-taken", 422, "This picture cannot be registered", ("reason",)
    ),
    cases.PhotoNotTakenError: Problem("photo-not-taken", 422, "This photo cannot be registered", ("photo", "reason")),
    cases.PortraitRefusedError: Problem("portrait-refused", 422, "This portrait cannot be compared", ("reason",)),
    cases.PhotosDifferError: Problem("photos-differ", 422, "The photos do not show one person", ("photos",)),
    cases.ConsentUnsignedError: Problem("consent-unsigned", 422, "The consent is not signed"),
    cases.OwnReviewError: Problem("own-review", 403, "Somebody else has to look at it"),
    registration.RegisteringNotAllowedError: Problem(
        "registering-not-allowed", 422, "Registering is not allowed there"
    ),
    registration.ConsentTextUnknownError: Problem("consent-text-unknown", 422, "There is no such text", ("languages",)),
    registration.ConsentOutdatedError: Problem("consent-outdated", 409, "Another text is in force", ("text",)),
    registration.TierTooLowError: Problem(
        "tier-too-low", 403, "Too little is known of this account", ("tier", "needed")
    ),
    registration.AccountRegisteredError: Problem(
        "account-registered", 409, "The account has registrations", ("registrations",)
    ),
    registration.RegisteredAlreadyError: Problem(
        "registered-already", 409, "It is registered already", ("registration",)
    ),
    registration.TooManyRegistrationsError: Problem(
        "too-many-registrations", 429, "Too much was registered", ("retry_after",)
    ),
    registration.RecoveryCodeError: Problem("recovery-code-wrong", 403, "This is not the recovery code"),
    registration.RecoveryBusyError: _later("recovery-busy", "Too many codes are looked at"),
    registration.NotLeavingError: Problem("not-leaving", 409, "No withdrawal is under way"),
    registration.RegistrationNotFoundError: Problem("registration-not-found", 404, "No such registration"),
    registration.RegistrationEndedError: Problem("registration-ended", 409, "It is not in force", ("state",)),
    registration.RegistrationHoldNotFoundError: Problem(
        "registration-hold-not-found", 404, "No such held registration"
    ),
    registration.HoldDecidedError: Problem("hold-decided", 409, "It was decided before", ("state",)),
    registration.OvertakenError: _later("registry-busy", "Others register just now"),
    registration.RegistryBusyError: _later("registry-busy", "Others register just now"),
    ledger.SubjectHeldError: Problem("under-hold", 409, "It is under legal hold", ("holds",)),
    ledger.PayloadErasedError: Problem("payload-erased", 410, "The payload was erased"),
    ledger.BundleError: Problem("range-refused", 422, "There is no such range of entries"),
    ledger.SearchRefusedError: Problem("search-refused", 422, "This cannot be searched so"),
    ledger.EntryNotFoundError: Problem("entry-not-found", 404, "No such ledger entry"),
    ledger.TileNotFoundError: Problem("tile-not-found", 404, "No such tile"),
    ledger.NotProvenError: _later("ledger-unproven", "The ledger has no checkpoint yet"),
    ledger.RecoveryRefusedError: Problem("recovery-refused", 409, "The log does not go on from here"),
    ledger.DatabaseUnavailableError: _later("database-unavailable", "The database cannot serve now"),
    ledger.LogBusyError: _later("ledger-busy", "Too much is waiting to be written"),
    ledger.LogClosedError: _later("ledger-closed", "The ledger is not running"),
    ledger.BlobStoreUnavailableError: _later("storage-unavailable", "The media folder cannot be used"),
    ledger.BlobDamagedError: _DAMAGED,
    ledger.BlobNotFoundError: Problem("media-missing", 410, "The media are not there"),
    ledger.SubjectErasedError: Problem("asset-gone", 410, "The asset is no longer kept"),
}


class ProblemView(BaseModel):
    """An RFC 9457 problem; some types add members of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": URN + "claim-refused",
                "title": "The claim was refused",
                "status": 422,
                "detail": "tool.name: this key speaks for 'My Camera' only",
                "field": "tool.name",
                "code": "tool-not-granted",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str


ROOTS = (
    CrossSiteError,
    StaleFormError,
    SignInNeededError,
    RoleMissingError,
    InClearError,
    UnauthenticatedError,
    RateExceededError,
    BodyError,
    UploadError,
    UploadsBusyError,
    LinkTooLongError,
    cases.CasesError,
    detection.DetectionError,
    identity.IdentityError,
    provenance.ProvenanceError,
    keys.KeysError,
    ledger.LedgerError,
)


def answer(problem: Problem, detail: str, members: Mapping[str, Any] | None = None) -> JSONResponse:
    """One problem document."""
    body = {"type": URN + problem.slug, "title": problem.title, "status": problem.status, "detail": detail}
    extra = dict(members or {})
    headers = dict(problem.headers)
    if "retry_after" in extra:
        headers["Retry-After"] = str(extra["retry_after"])
    return JSONResponse(body | extra, problem.status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of ours, of the framework and of nobody as a problem."""
    for root in ROOTS:
        app.add_exception_handler(root, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """The problem that an error is, whosever it is."""
    match error:
        case RequestValidationError():
            return _invalid(request, error)
        case HTTPException():
            return _http(request, error)
        case _:
            return _known(request, error)


def problem_of(error: Exception) -> Problem | None:
    """The row of the narrowest class that is listed."""
    return next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), None)


def _known(request: Request, error: Exception) -> JSONResponse:
    problem = problem_of(error)
    if problem is None:
        return _unforeseen(request, error)
    slug = getattr(error, "code", problem.slug) if isinstance(error, detection.MediaError) else problem.slug
    members = {name: getattr(error, name) for name in problem.members}
    if problem is _DAMAGED:
        _log(request, "damaged", error)
    ours = isinstance(error, keys.KeysError | ledger.BlobDamagedError) or type(error) is ledger.DatabaseUnavailableError
    said = _ADVICE.get(problem.slug, _TRY_AGAIN) if ours else str(error)
    if isinstance(error, provenance.ClaimRefusedError):
        members["code"] = error.code
    named = Problem(slug, problem.status, problem.title, problem.members, problem.headers)
    return answer(named, said, members)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = told(error.errors())
    said = "; ".join(f"{fault['field']}: {fault['detail']}" for fault in faults[:5])
    return answer(
        Problem("request-invalid", 422, "The request does not have the form it should"),
        said,
        {"faults": faults},
    )


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    slug = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers or {}
    return answer(
        Problem(slug, error.status_code, error.detail, headers=headers), "/openapi.json describes every route"
    )


def _allowed(request: Request) -> str:
    """The methods that the path has (RFC 9110, section 15.5.6); the framework tells those of one of its routes alone.
    HEAD is answered wherever GET is (`api.app`).
    """
    asked = {"type": "http", "path": request.url.path, "root_path": "", "headers": []}
    routes = request.app.routes
    found = [
        method
        for method in _METHODS
        if any(route.matches(asked | {"method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join([*found, *(["HEAD"] if "GET" in found else [])])


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log(request, "unforeseen", error)
    said = "this is our fault; the request id in X-Request-Id finds it in the log"
    return answer(Problem("internal", 500, "Something went wrong here"), said)


def _log(request: Request, what: str, error: Exception) -> None:
    logger("problem").error(what, request=request.scope.get("sigillo.request_id", ""), exc_info=error)
