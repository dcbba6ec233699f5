"""Withdrawing with the recovery code alone, for who has no passkey any more: after days in which it can be stopped."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Form, Request, Response

from api.auth import GuesserDep
from api.routers.withdrawals import AskedView
from api.schemas.words import REGISTRATION
from api.service import ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import FormDep, VisitorDep
from identity.registration.recovery import MAX_TEXT
from ledger.ids import SubjectId

router = pages(prefix="/recover")


@router.get("")
async def ask(request: Request, _: VisitorDep) -> Response:
    """The form: the registration, and the twelve words."""
    return page(request, "recover.html", asked=None)


@router.post("", dependencies=[GuesserDep])
async def recover(
    request: Request,
    service: ServiceDep,
    _: FormDep,
    registration: Annotated[SubjectId, Form(pattern=REGISTRATION)],
    code: Annotated[str, Form(max_length=MAX_TEXT)],
) -> Response:
    """Ask that it end."""
    asked = await to_thread.run_sync(service.registry.leaving.ask, registration, code)
    return page(request, "recover.html", asked=AskedView.of(asked))
