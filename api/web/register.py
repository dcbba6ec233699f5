"""Registering in the browser: that one is not to be imitated, or that one picture is not to go round.

It is what programs send (`/v1/registrations`, `/v1/image-registrations`), by the same functions: the page's script puts
the same document together, has the person's passkey sign the statement, and sends both. A registered picture stays in
the browser, which makes its fingerprint (`static/pdq.js`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Final

from anyio import to_thread
from fastapi import Form, Query, Request, Response

from api.edge.auth import origin_of
from api.edge.upload import MAX_FIELD_BYTES
from api.routers import pictures, registrations
from api.routers.registrations import IdempotencyHeader, read_body
from api.schemas import words
from api.schemas.people import OptionsView
from api.schemas.pictures import ImageRegistrationBody
from api.schemas.registrations import RegisteredView, RulesView, StatementBody
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page, words_for
from api.web.sessions import FIELD, FormDep, ReaderDep, SignedInDep
from api.web.standing import Known
from api.web.words import Words
from cases.access import Caller
from cases.registration import MAX_PHOTOS
from identity.passkeys.challenges import Purpose as Signed
from identity.passkeys.options import Options
from identity.registration.refusal import Kind, Purpose, Right
from ledger.ids import SubjectId

LANGUAGE: Final = "en"
"""Of the text that is agreed to, until the pages speak another."""

router = pages(prefix="/register")

Document = Annotated[str, Form(alias="registration", max_length=MAX_FIELD_BYTES)]
"""What programs send, as JSON."""


@router.get("")
async def explain(request: Request) -> Response:
    """What registering does, and what it does not."""
    return page(request, "register.html")


@router.get("/{kind}")
async def ask(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    kind: Kind,
    region: Annotated[str | None, Query(pattern=words.PLACE)] = None,
) -> Response:
    """The form, as the rules of a place have it; before that, where somebody lives and who they have to show to be."""
    place = region or ""
    account = account_of(caller)
    book = service.registry.registrations.registry.rulebook
    rules = RulesView.of(book.of(place), book.consent(place, kind, LANGUAGE), None)
    return page(
        request,
        "registering.html",
        kind=kind,
        place=place,
        placed=region is not None,
        places=_named(book.regions, words_for(request)),
        rules=rules,
        account=account,
        known=await to_thread.run_sync(Known.of, service, caller.tenant, account, place),
        purposes=list(Purpose),
        rights=list(Right),
        most=MAX_PHOTOS,
    )


@router.post("/photo", status_code=204)
async def try_photo(request: Request, service: ServiceDep, reader: ReaderDep, caller: SignedInDep) -> Response:
    """Whether a photo will do, while the others are chosen."""
    await registrations.tried(request, service, caller, lambda fields: reader.require_form(fields.get(FIELD)))
    return Response(status_code=204)


@router.post("/statement")
async def state(
    service: ServiceDep, caller: SignedInDep, _: FormDep, document: Document, kind: Annotated[Kind, Form()]
) -> OptionsView:
    """Begin to sign what is agreed to, with a passkey."""
    body = read_body(StatementBody, document)
    return OptionsView.of(await to_thread.run_sync(_begin_signing, service, caller, kind, body))


@router.post("/face")
async def register_face(
    request: Request,
    service: ServiceDep,
    reader: ReaderDep,
    caller: SignedInDep,
    idempotency_key: IdempotencyHeader = "",
) -> Response:
    """Register a face."""
    made = await registrations.registered(
        request, service, caller, idempotency_key, lambda fields: reader.require_form(fields.get(FIELD))
    )
    return _made(request, service, made)


@router.post("/image")
async def register_picture(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    _: FormDep,
    document: Document,
    idempotency_key: IdempotencyHeader = "",
) -> Response:
    """Register a picture, by its fingerprint."""
    body = read_body(ImageRegistrationBody, document)
    made = await to_thread.run_sync(pictures.registered, service, caller, body, idempotency_key)
    return _made(request, service, made)


def account_of(caller: Caller) -> SubjectId:
    """Of whoever is signed in."""
    assert caller.account is not None
    return caller.account


def _begin_signing(service: Service, caller: Caller, kind: Kind, body: StatementBody) -> Options:
    account, asked = SubjectId(body.account), replace(body.of(kind), given=body.given)
    content = service.registry.registrations.statement(caller, account, asked)
    digest = hashlib.sha256(content).digest()
    return service.registry.signatures.begin(caller.tenant, account, Signed.CONSENT, digest)


def _made(request: Request, service: Service, made: RegisteredView) -> Response:
    """What is shown once: the recovery code, the receipt, the credential."""
    return page(request, "registered.html", 201, made=made, origin=origin_of(request, service.settings))


def _named(places: Iterable[str], t: Words) -> list[tuple[str, str]]:
    """Places with rules of their own, by name; everywhere else comes first."""
    named = ((place, t(f"place.{place}") if t.has(f"place.{place}") else place) for place in places)
    return sorted(named, key=lambda one: (one[0] != "", one[1]))
