"""Signing in and out in the browser: with a passkey, into a session."""

from __future__ import annotations

from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from api.oauth import NO_STORE
from api.routers import people
from api.schemas.passkeys import NewPasskey, UsedPasskey
from api.schemas.people import OptionsView
from api.service import ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import SIGN_IN, FormDep, JustSignedInDep, VisitorDep, begin, end, local
from identity.passkeys.errors import PasskeyUnreadableError
from identity.passkeys.tokens import SESSION

router = pages()

PASSKEYS = f"{SIGN_IN}/passkeys"
MAX_PASSKEY = 64 * 1024
Passkey = Annotated[str, Form(max_length=MAX_PASSKEY)]
"""What `static/passkey.js` puts into a form: a browser's answer, as JSON."""

MAX_NEXT = 2000
After = Annotated[str, Form(alias="next", max_length=MAX_NEXT)]
"""Where somebody wanted to be."""

Answer = TypeVar("Answer", bound=BaseModel)


@router.get(SIGN_IN)
async def ask(
    request: Request,
    service: ServiceDep,
    _: VisitorDep,
    after: Annotated[str, Query(alias="next", max_length=MAX_NEXT)] = "",
    bound: bool = False,
) -> Response:
    """The form; for who is signed in, that they are, and the way out."""
    providers = sorted(service.registry.provided.providers)
    return page(request, "sign_in.html", next=local(after), providers=providers, bound=bound)


@router.post(SIGN_IN)
async def sign_in(
    request: Request, service: ServiceDep, _: FormDep, passkey: Passkey = "", after: After = ""
) -> Response:
    """Sign in with a passkey, and go on where one wanted to be."""
    asserted = answered(UsedPasskey, passkey).asserted()
    signed_in = await to_thread.run_sync(service.registry.people.sign_in, asserted, SESSION)
    return await to_thread.run_sync(begin, request, service, signed_in, after)


@router.get(f"{SIGN_IN}/new")
@router.get(PASSKEYS)
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


@router.post(f"{PASSKEYS}/options")
def begin_binding(service: ServiceDep, caller: JustSignedInDep, _: FormDep) -> OptionsView:
    """Begin to make another passkey, having signed in minutes ago."""
    return people.begin_binding(service, caller)


@router.post(PASSKEYS)
async def bind(service: ServiceDep, caller: JustSignedInDep, _: FormDep, passkey: Passkey = "") -> Response:
    """Another passkey signs in from now on, too."""
    await to_thread.run_sync(people.bind, service, caller, answered(NewPasskey, passkey))
    return RedirectResponse(f"{SIGN_IN}?bound=true", 303, NO_STORE)


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
