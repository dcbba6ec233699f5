"""Joining the staff: the page of an invitation's link."""

from __future__ import annotations

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.routers.staff import JOIN, StaffView
from api.schemas.passkeys import NewPasskey
from api.service import Service, ServiceDep
from api.web.operate import OPERATE
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import FormDep, Reader, VisitorDep, begin
from api.web.sign_in import Passkey, answered
from identity.passkeys.tokens import SESSION

router = pages(prefix=JOIN)


@router.get("/{secret}")
async def ask(request: Request, service: ServiceDep, _: VisitorDep, secret: str) -> Response:
    """To what one is invited, and how to join."""
    invited = await to_thread.run_sync(service.staff.invited, secret)
    providers = sorted(service.registry.provided.providers)
    return page(request, "join.html", invited=StaffView.of(invited), providers=providers)


@router.post("/{secret}")
async def join(request: Request, service: ServiceDep, reader: FormDep, secret: str, passkey: Passkey = "") -> Response:
    """Join with a new passkey; or with the account that one has signed in to, minutes ago."""
    if reader.person is not None:
        return await to_thread.run_sync(_as_known, service, reader, secret)
    return await to_thread.run_sync(_as_new, request, service, secret, passkey)


def _as_new(request: Request, service: Service, secret: str, passkey: str) -> Response:
    service.staff.invited(secret)  # an account that nobody could use is not opened
    opened = service.registry.people.open(answered(NewPasskey, passkey).attested(), SESSION)
    service.staff.join(secret, opened.account)
    return begin(request, service, opened, OPERATE)


def _as_known(service: Service, reader: Reader, secret: str) -> Response:
    assert reader.person is not None
    service.registry.people.tokens.require_recent(reader.person)
    service.staff.join(secret, reader.person.account)
    return RedirectResponse(OPERATE, 303, NO_STORE)
