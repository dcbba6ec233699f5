"""One's own passkeys, on the page that shows what is one's own (`me`): another one made, named, removed.

A session that began minutes ago makes another. Removing one asks for a passkey once more, as withdrawing does: whoever
finds a page open locks nobody out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from anyio import to_thread
from fastapi import Form, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.routers import people
from api.routers.people import PasskeyPath
from api.schemas.passkeys import NewPasskey, UsedPasskey
from api.schemas.people import OptionsView, PasskeyName, PasskeyNameRequest
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.sessions import FormDep, JustSignedInDep, SignedInDep
from api.web.sign_in import Passkey, answered, by_passkey
from cases.access import Caller

PASSKEYS: Final = "/me/passkeys"

router = pages(prefix=PASSKEYS)

Name = Annotated[PasskeyName, Form()]


class Done(StrEnum):
    """What was just done to one."""

    BOUND = "bound"
    NAMED = "named"
    REMOVED = "removed"


@router.get("")
@router.get("/{passkey}/name")
@router.get("/{passkey}/removal")
async def begin_again() -> Response:
    """Whoever reloads what a form was sent to."""
    return RedirectResponse("/me#passkeys", 303)


@router.post("/options")
def begin_binding(service: ServiceDep, caller: JustSignedInDep, _: FormDep) -> OptionsView:
    """Begin to make another passkey, having signed in minutes ago."""
    return people.begin_binding(service, caller)


@router.post("")
async def bind(
    service: ServiceDep, caller: JustSignedInDep, _: FormDep, passkey: Passkey = "", name: Name = ""
) -> Response:
    """Another passkey signs in from now on, too."""
    await to_thread.run_sync(_bind, service, caller, answered(NewPasskey, passkey), PasskeyNameRequest(name=name))
    return _back(Done.BOUND)


@router.post("/{passkey}/name")
async def call(service: ServiceDep, caller: SignedInDep, _: FormDep, passkey: PasskeyPath, name: Name = "") -> Response:
    """Give it a name."""
    await to_thread.run_sync(people.call, service, caller, passkey, PasskeyNameRequest(name=name))
    return _back(Done.NAMED)


@router.post("/{passkey}/removal")
async def remove(
    service: ServiceDep,
    _caller: SignedInDep,
    _: FormDep,
    passkey: PasskeyPath,
    used: Annotated[str, Form(alias="passkey")] = "",
) -> Response:
    """It signs in no more, and whoever signed in with it is signed out."""
    signed = answered(UsedPasskey, used)
    await to_thread.run_sync(by_passkey, service, signed, lambda caller: people.remove(service, caller, passkey))
    return _back(Done.REMOVED)


def _bind(service: Service, caller: Caller, made: NewPasskey, request: PasskeyNameRequest) -> None:
    bound = people.bind(service, caller, made)
    if request.name:
        people.call(service, caller, bound.id, request)


def _back(done: Done) -> Response:
    return RedirectResponse(f"/me?passkey={done}#passkeys", 303, NO_STORE)
