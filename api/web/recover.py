"""Withdrawing with the recovery code alone, for who has no passkey any more: after days in which it can be stopped."""

from __future__ import annotations

from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import Form, Request, Response

from api.edge.auth import GuesserDep
from api.routers.withdrawals import AskedView
from api.schemas.words import REGISTRATION
from api.service import ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import FormDep, VisitorDep
from identity.registration.errors import RecoveryCodeError
from identity.registration.recovery import MAX_TEXT
from ledger.ids import SubjectId

router = pages(prefix="/recover")

_EMPTY: Final[dict[str, Any]] = {"asked": None, "wrong": "", "registration": "", "code": ""}
"""The form, with nothing typed yet."""


@router.get("")
async def ask(request: Request, _: VisitorDep) -> Response:
    """The form: the registration, and the twelve words."""
    return page(request, "recover.html", **_EMPTY)


@router.post("", dependencies=[GuesserDep])
async def recover(
    request: Request,
    service: ServiceDep,
    _: FormDep,
    registration: Annotated[SubjectId, Form(pattern=REGISTRATION)],
    code: Annotated[str, Form(max_length=MAX_TEXT)],
) -> Response:
    """Ask that it end. Words that are not the code's stay in the form: a letter of twelve words is soon wrong."""
    try:
        asked = await to_thread.run_sync(service.registry.leaving.ask, registration, code)
    except RecoveryCodeError as error:
        typed = {"wrong": str(error), "registration": registration, "code": code}
        return page(request, "recover.html", 403, **_EMPTY | typed)
    return page(request, "recover.html", **_EMPTY | {"asked": AskedView.of(asked)})
