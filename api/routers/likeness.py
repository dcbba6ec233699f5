"""Likeness: tools ask before they generate; held assets; and what a registered person sees of both."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.edge.auth import CallerDep, EitherDep
from api.edge.openapi import CHECK, multipart
from api.edge.upload import Upload, UploadError, receive
from api.routers.assets import IdempotencyHeader
from api.routers.holds import ReleaseRequest
from api.schemas.likeness import (
    AppealRequest,
    CheckRequest,
    CheckView,
    DecidedView,
    HeldPage,
    HeldView,
    MatchPage,
    ResponseRequest,
    RetroactiveView,
    before,
)
from api.schemas.words import AFTER_ASSET, ASSET, MATCH, REGISTRATION
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.asset import AssetId
from cases.likeness.checks import Question
from cases.likeness.holds import PAGE
from cases.likeness.use import Use
from identity.registration.errors import RegistrationNotFoundError
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId

router = APIRouter(tags=["likeness"])

PRIVATE = "private, no-store"
AssetPath = Annotated[str, Path(pattern=ASSET)]
RegistrationPath = Annotated[str, Path(pattern=REGISTRATION)]


@router.post("/v1/likeness-checks", status_code=201, openapi_extra=multipart({"check": CHECK}))
async def check(
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: CallerDep,
    idempotency_key: IdempotencyHeader = "",
) -> CheckView:
    """Ask, before generating, whether whoever a picture shows may be imitated for a declared purpose.

    The picture is gone with the answer. The token says what was answered, to which tool and of which picture, for ten
    minutes.
    """
    caller.require(Scope.LIKENESS_CHECK)
    response.headers["Cache-Control"] = PRIVATE
    desk = service.registry.likeness
    with await receive(request, service.settings.upload_bytes, desk.uploads.of(caller.principal)) as upload:
        return await desk.turns.run(caller.principal, _check, service, caller, upload, idempotency_key)


@router.post("/v1/assets/{asset}/appeal", status_code=201)
def appeal(service: ServiceDep, caller: CallerDep, asset: AssetPath, request: AppealRequest) -> DecidedView:
    """Object to an asset of yours being held; a reviewer reads it."""
    caller.require(Scope.SIGN)
    return DecidedView.of(service.registry.likeness.holds.appeal(caller, AssetId(asset), request.statement))


@router.get("/v1/likeness-holds")
def held(
    service: ServiceDep,
    caller: CallerDep,
    response: Response,
    cursor: Annotated[str, Query(pattern=AFTER_ASSET)] = "",
) -> HeldPage:
    """Assets of the tenant that are held because they may show somebody who refuses to be imitated."""
    caller.require(Scope.REVIEW)
    response.headers["Cache-Control"] = PRIVATE
    found = service.registry.likeness.holds.all(caller, cursor)
    return HeldPage(holds=[HeldView.of(one) for one in found], next=found[-1].asset if len(found) == PAGE else None)


@router.post("/v1/likeness-holds/{asset}/release")
def release(service: ServiceDep, caller: CallerDep, asset: AssetPath, request: ReleaseRequest) -> DecidedView:
    """Give a held asset out."""
    caller.require(Scope.REVIEW)
    return DecidedView.of(service.registry.likeness.holds.release(caller, AssetId(asset), request.reason))


@router.post("/v1/likeness-holds/{asset}/refusal")
def refuse(service: ServiceDep, caller: CallerDep, asset: AssetPath, request: ReleaseRequest) -> DecidedView:
    """Decide that it stays held, until its retention ends."""
    caller.require(Scope.REVIEW)
    return DecidedView.of(service.registry.likeness.holds.refuse(caller, AssetId(asset), request.reason))


@router.get("/v1/registrations/{registration}/matches")
def matches(
    service: ServiceDep, caller: EitherDep, response: Response, registration: RegistrationPath, cursor: str = ""
) -> MatchPage:
    """The registered person's own log, the newest first."""
    person = person_of(service, caller, registration, Scope.REGISTRATIONS_READ)
    response.headers["Cache-Control"] = PRIVATE
    return MatchPage.of(service.registry.likeness.log.page(person, before_cursor(cursor)))


@router.get("/v1/registrations/{registration}/retroactive")
def retroactive(
    service: ServiceDep, caller: EitherDep, response: Response, registration: RegistrationPath
) -> RetroactiveView:
    """How far the media that were kept before the registration have been looked at."""
    person = person_of(service, caller, registration, Scope.REGISTRATIONS_READ)
    response.headers["Cache-Control"] = PRIVATE
    return RetroactiveView.of(service.registry.likeness.retroactive.progress(caller.tenant, person.id))


@router.post("/v1/registrations/{registration}/matches/{match}/response", status_code=201)
def respond(
    service: ServiceDep,
    caller: EitherDep,
    registration: RegistrationPath,
    match: Annotated[str, Path(pattern=MATCH)],
    request: ResponseRequest,
) -> DecidedView:
    """What the person says to one line of it."""
    person = person_of(service, caller, registration, Scope.REGISTER)
    return DecidedView.of(service.registry.likeness.log.respond(caller, person, match, request.response))


def _check(service: Service, caller: Caller, upload: Upload, idempotency_key: str) -> CheckView:
    if upload.sidecar:
        raise UploadError("a manifest is not read here: send the picture alone")
    try:
        asked = CheckRequest.model_validate_json(upload.fields.get("check", "{}"))
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", "check", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from error
    purpose, mime = Use(asked.purpose), upload.declared_mime
    question = Question(upload.content, mime, purpose, asked.nonce, asked.place, idempotency_key)
    service.registry.likeness.tokens.issuer()  # who cannot sign an answer asks nobody for one
    checked = service.registry.likeness.checks.check(caller, question)
    return CheckView.of(checked, service.registry.likeness.tokens.of(checked, caller.grant.tool))


def person_of(service: Service, caller: Caller, registration: str, scope: Scope) -> Subject:
    """A registration of the caller's own account, or of the tenant's for a platform's key; with its key opened."""
    registrations, name = service.registry.likeness.registrations, SubjectId(registration)
    caller.require_self_or(scope)
    if caller.account not in {None, registrations.find(caller.tenant, name).account}:
        raise RegistrationNotFoundError
    return registrations.kept(caller.tenant, name)[1]


def before_cursor(cursor: str) -> tuple[int, str] | None:
    """What a page's `next` says. Raises RequestValidationError."""
    try:
        return before(cursor)
    except ValueError as error:
        fault = {"loc": ("query", "cursor"), "msg": "not a cursor of this log", "type": "value_error"}
        raise RequestValidationError([fault]) from error
