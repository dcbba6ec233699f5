"""The registry of those who are not to be imitated: registering, seeing what one registered, and what a person decides
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.edge.auth import AnyoneDep, CallerDep, EitherDep, EitherRecentDep
from api.edge.oauth import NO_STORE
from api.edge.openapi import REGISTRATION, one_photo, photos
from api.edge.upload import Upload, receive
from api.routers.credential_offers import OfferView
from api.schemas import words
from api.schemas.acts import ShowingRequest, ShowingView, consent_view
from api.schemas.assets import LedgerView
from api.schemas.registrations import (
    CredentialForm,
    CredentialView,
    DecidedView,
    DecisionRequest,
    RegisteredView,
    RegistrationBody,
    RegistrationHoldList,
    RegistrationHoldView,
    RegistrationList,
    RegistrationView,
    RulesView,
    StatementBody,
    StatementView,
)
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.idempotency import MAX_KEY_LENGTH
from cases.registration import MAX_PHOTO_BYTES, MAX_PHOTOS, Submission
from detection.faces.look import look
from detection.faces.quality import judge
from identity.issuing.credential_types import DO_NOT_GENERATE
from identity.openid4vci.offers import Maker
from identity.registration.errors import RegistrationEndedError
from identity.registration.holds import PAGE, HoldState
from identity.registration.record import PROTECTING
from identity.registration.refusal import Kind
from ledger.ids import SubjectId

router = APIRouter(prefix="/v1/registrations")

KEYED = "registering"
PART = "registration"
IN_WALLETS = f"{DO_NOT_GENERATE.name}.sd-jwt"
"""As wallets ask for it (`identity.openid4vci.configuration`)."""
RegistrationPath = Annotated[SubjectId, Path(pattern=words.REGISTRATION)]
HoldPath = Annotated[str, Path(pattern=words.REGISTRATION_HOLD)]
PlaceQuery = Annotated[str, Query(pattern=words.PLACE)]
IdempotencyHeader = Annotated[str, Header(alias="Idempotency-Key", max_length=MAX_KEY_LENGTH)]
Body = TypeVar("Body", bound=BaseModel)


@router.get("/rules", tags=["registration rules"], dependencies=[AnyoneDep])
def rules(
    service: ServiceDep,
    region: PlaceQuery = "",
    kind: Kind = Kind.FACE,
    language: Annotated[str, Query(pattern=words.LANGUAGE)] = "en",
    files_from: PlaceQuery | None = None,
) -> RulesView:
    """The rules of a place, and the text that a person there has to agree to; with `files_from`, whether somebody
    registered there is looked for in files from that place.
    """
    book = service.registry.registrations.registry.rulebook
    permission = None if files_from is None else book.permitted(region, files_from)
    return RulesView.of(book.of(region), book.consent(region, kind, language), permission)


@router.post("", tags=[KEYED], status_code=201, openapi_extra=photos(PART, REGISTRATION, MAX_PHOTOS))
async def register(
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: EitherDep,
    idempotency_key: IdempotencyHeader = "",
) -> RegisteredView:
    """Register a face by one to five photos of it, which are gone before the answer.

    The recovery code is shown this once. Where somebody else registered a face alike, where somebody acts for another,
    or where an account that is known by a portrait does not show that the photos are of the same person (`portrait`),
    the state is `held`: it protects once a person has released it.
    """
    made = await registered(request, service, caller, idempotency_key)
    response.headers["Location"] = f"/v1/registrations/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return made


async def registered(
    request: Request,
    service: Service,
    caller: Caller,
    idempotency_key: str,
    permit: Callable[[Mapping[str, str]], None] = lambda _fields: None,
) -> RegisteredView:
    """What a multipart request registers; `permit` sees its fields before anything else does."""
    limit = min(MAX_PHOTO_BYTES, service.settings.upload_bytes)
    budget = service.callers.uploads.of(caller.principal)
    with await receive(request, limit, budget, photos=MAX_PHOTOS, portrait=True) as upload:
        permit(upload.fields)
        return await service.signing.run(caller.principal, _register, service, caller, upload, idempotency_key)


@router.post("/photos", tags=[KEYED], status_code=204, openapi_extra=one_photo())
async def try_photo(request: Request, service: ServiceDep, caller: EitherDep) -> Response:
    """Whether a photo could be registered, before it is: 204, or `photo-refused` with a reason and what to do. It is
    gone before the answer, and nothing is recorded.
    """
    await tried(request, service, caller)
    return Response(status_code=204)


async def tried(
    request: Request,
    service: Service,
    caller: Caller,
    permit: Callable[[Mapping[str, str]], None] = lambda _fields: None,
) -> None:
    """Judge the one photo of a multipart request. Raises PhotoRefusedError, MediaError, SandboxError, as `receive`."""
    caller.require_self_or(Scope.REGISTER)
    desk = service.strangers if caller.person else service.callers
    limit = min(MAX_PHOTO_BYTES, service.settings.upload_bytes)
    with await receive(request, limit, desk.uploads.of(caller.principal), photos=1) as upload:
        permit(upload.fields)
        workers = service.registry.faces.workers.of(caller.principal)
        await desk.turns.run(caller.principal, lambda: judge(look(workers, upload.files[0])))


@router.post("/statements", tags=[KEYED])
def state(service: ServiceDep, caller: EitherDep, request: StatementBody, kind: Kind = Kind.FACE) -> StatementView:
    """What somebody who registers so, with these photos or this fingerprint, agrees to. Its SHA-256 is what a passkey
    signs (`/v1/people/me/signatures`, purpose `consent`); what the passkey answers goes into `consent.passkey` of the
    registration. Or it is signed by showing a credential (`/v1/registrations/showings`).
    """
    account, asked = SubjectId(request.account), replace(request.of(kind), given=request.given)
    return StatementView.of(service.registry.registrations.statement(caller, account, asked))


@router.post("/showings", tags=[KEYED], status_code=202)
def begin_showing(service: ServiceDep, caller: EitherDep, request: ShowingRequest) -> ShowingView:
    """Begin to sign a statement by showing the `AccountAssurance` of the account, an SD-JWT that is bound to a key
    (`/v1/assurance/accounts/…/step-ups`); it goes into `consent.presentation` of the registration.
    """
    agreements, account = service.registry.registrations.agreements, SubjectId(request.account)
    begun = agreements.begin(caller, account, bytes.fromhex(request.sha256))
    return consent_view(begun, account, agreements.holders.audience)


@router.get("", tags=[KEYED])
def list_registrations(
    service: ServiceDep, caller: EitherDep, account: Annotated[SubjectId, Query(pattern=words.ACCOUNT)]
) -> RegistrationList:
    """The newest hundred registrations of an account, those that ended as well."""
    found = service.registry.registrations.of_account(caller, account)
    return RegistrationList(registrations=[RegistrationView.of(one) for one in found])


@router.get("/holds", tags=[KEYED])
def list_holds(
    service: ServiceDep,
    caller: CallerDep,
    decided: bool = False,
    after: Annotated[str, Query(pattern=words.AFTER_REGISTRATION_HOLD)] = "",
) -> RegistrationHoldList:
    """Registrations that a person has to look at, oldest first; or those that were decided. No legal holds."""
    found = service.registry.registrations.held(caller, decided=decided, after=after)
    alike = service.registry.registrations.alike
    views = [RegistrationHoldView.of(one, alike(caller, one)) for one in found]
    return RegistrationHoldList(holds=views, next=found[-1].id if len(found) == PAGE else None)


@router.post("/holds/{hold}/release", tags=[KEYED])
def release(service: ServiceDep, caller: CallerDep, hold: HoldPath, request: DecisionRequest) -> DecidedView:
    """Let a held registration protect; its owner then fetches the credential."""
    entry = service.registry.registrations.release(caller, hold, request.reason)
    return DecidedView(id=hold, state=HoldState.RELEASED, ledger=LedgerView.of(entry, proven=False))


@router.post("/holds/{hold}/refusal", tags=[KEYED])
def refuse(service: ServiceDep, caller: CallerDep, hold: HoldPath, request: DecisionRequest) -> DecidedView:
    """End a held registration, and destroy its key."""
    entry = service.registry.registrations.refuse(caller, hold, request.reason)
    return DecidedView(id=hold, state=HoldState.REFUSED, ledger=LedgerView.of(entry, proven=False))


@router.get("/{registration}", tags=[KEYED])
def read(service: ServiceDep, caller: EitherDep, registration: RegistrationPath) -> RegistrationView:
    """One registration: what it refuses, and how it stands."""
    return RegistrationView.of(service.registry.registrations.find(caller, registration))


@router.post("/{registration}/credential", tags=[KEYED])
def credential(
    service: ServiceDep, caller: EitherDep, registration: RegistrationPath, request: CredentialForm
) -> CredentialView:
    """Its credential: the first, after a release; or the same once more, signed anew."""
    key = request.holder_key()
    return CredentialView.of(service.registry.registrations.credential(caller, registration, request.form, key))


@router.post("/{registration}/offers", tags=[KEYED], status_code=201)
def offer(
    service: ServiceDep, response: Response, caller: EitherRecentDep, registration: RegistrationPath
) -> OfferView:
    """Offer its credential to a wallet, which fetches it for its own key within ten minutes (OpenID4VCI). Whoever has
    that key acts by it. A person has signed in within ten minutes.
    """
    response.headers.update(NO_STORE)
    return offered(service, caller, registration)


def offered(service: Service, caller: Caller, registration: SubjectId) -> OfferView:
    """Raises RegistrationNotFoundError, RegistrationEndedError for one that does not protect."""
    found = service.registry.registrations.find(caller, registration, Scope.REGISTER)
    if found.state not in PROTECTING:
        raise RegistrationEndedError(found.state)
    maker, named = Maker(caller.tenant, caller.principal, caller.key), {"registration": str(registration)}
    made = service.wallets.offer_found(maker, IN_WALLETS, named, typed=True)
    return OfferView.of(made, made.expires_at)


def _register(service: Service, caller: Caller, upload: Upload, idempotency_key: str) -> RegisteredView:
    text = upload.fields.get(PART, "")
    body = read_body(RegistrationBody, text)
    request = body.of(Kind.FACE)
    asserted = body.consent.passkey.asserted() if body.consent.passkey else None
    sent = Submission(
        SubjectId(body.account),
        request,
        upload.files,
        portrait=upload.portrait,
        asserted=asserted,
        presentation=body.consent.presentation or "",
        idempotency_key=idempotency_key,
        body=text.encode(),
    )
    return RegisteredView.made(service.registry.registrations.register(caller, sent))


def read_body(model: type[Body], text: str) -> Body:
    """The JSON document in the part `registration`. Raises RequestValidationError."""
    try:
        return model.model_validate_json(text or "{}")
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", PART, *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from error
