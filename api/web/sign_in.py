"""Signing in and out in the browser: with a passkey, into a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from api.schemas.passkeys import NewPasskey, UsedPasskey
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import SIGN_IN, FormDep, VisitorDep, begin, end, local
from cases.access import Caller, person_caller
from identity.passkeys.errors import PasskeyUnreadableError
from identity.passkeys.tokens import SESSION

router = pages()

MAX_PASSKEY = 64 * 1024
Passkey = Annotated[str, Form(max_length=MAX_PASSKEY)]
"""What `static/passkey.js` puts into a form: a browser's answer, as JSON."""

MAX_NEXT = 2000
After = Annotated[str, Form(alias="next", max_length=MAX_NEXT)]
"""Where somebody wanted to be."""

Answer = TypeVar("Answer", bound=BaseModel)
Done = TypeVar("Done")


@router.get(SIGN_IN)
async def ask(
    request: Request,
    service: ServiceDep,
    _: VisitorDep,
    after: Annotated[str, Query(alias="next", max_length=MAX_NEXT)] = "",
) -> Response:
    """The form; for who is signed in, that they are, and the way out."""
    providers = sorted(service.registry.provided.providers)
    return page(request, "sign_in.html", next=local(after), providers=providers)


@router.post(SIGN_IN)
async def sign_in(
    request: Request, service: ServiceDep, _: FormDep, passkey: Passkey = "", after: After = ""
) -> Response:
    """Sign in with a passkey, and go on where one wanted to be."""
    asserted = answered(UsedPasskey, passkey).asserted()
    signed_in = await to_thread.run_sync(service.registry.people.sign_in, asserted, SESSION)
    return await to_thread.run_sync(begin, request, service, signed_in, after)


@router.get(f"{SIGN_IN}/new")
@router.get("/sign-out")
async def begin_again() -> Response:
    """Whoever reloads what a form was sent to."""
    return RedirectResponse(SIGN_IN, 303)


@router.post(f"{SIGN_IN}/new")
async def open_account(
    request: Request, service: ServiceDep, _: FormDep, passkey: Passkey = "", after: After = ""
) -> Response:
    """Open an account with a new passkey, which signs in to it from then on."""
    attested = answered(NewPasskey, passkey).attested()
    opened = await to_thread.run_sync(service.registry.people.open, attested, SESSION)
    return await to_thread.run_sync(begin, request, service, opened, after)


@router.post("/sign-out")
async def sign_out(request: Request, service: ServiceDep, _: FormDep) -> Response:
    """The session is over, and its cookie gone."""
    await to_thread.run_sync(end, request, service)
    return page(request, "signed_out.html")


def answered(kind: type[Answer], passkey: str) -> Answer:
    """What the browser answered. Raises PasskeyUnreadableError for what is none."""
    try:
        return kind.model_validate_json(passkey)
    except ValidationError as error:
        raise PasskeyUnreadableError("no passkey came with the form; that takes a browser with JavaScript") from error


def by_passkey(service: Service, passkey: UsedPasskey, act: Callable[[Caller], Done]) -> Done:
    """What whoever's passkey it is does; another's registration they do not find."""
    people = service.registry.people
    person = people.tokens.authenticate(people.sign_in(passkey.asserted()).token.text)
    try:
        return act(person_caller(person))
    finally:
        people.tokens.revoke(person)
