"""Who acts for the tenant in the browser: invited and removed by whoever may make API keys, too."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.routers import staff as api
from api.routers.staff import InvitationRequest
from api.schemas.words import AFTER_ENTRY, STAFF
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import FormDep, staff
from cases.access import Caller, Scope
from cases.staff_member import ROLES, Role

router = pages(prefix="/operate/staff")

StaffingDep = Annotated[Caller, staff(Scope.ACCESS)]


@router.get("")
async def look(
    request: Request, service: ServiceDep, caller: StaffingDep, done: Annotated[str, Query(pattern=AFTER_ENTRY)] = ""
) -> Response:
    """Everybody, and invitations that wait."""
    return await to_thread.run_sync(_shown, request, service, caller, done, None)


@router.post("")
async def invite(
    request: Request, service: ServiceDep, caller: StaffingDep, _: FormDep, role: Annotated[Role, Form()]
) -> Response:
    """Invite somebody: the link is on the page that answers, and nowhere else."""
    invited = await to_thread.run_sync(api.invite, service, caller, InvitationRequest(role=role))
    return await to_thread.run_sync(_shown, request, service, caller, "", invited)


@router.post("/removal")
async def remove(
    service: ServiceDep, caller: StaffingDep, _: FormDep, member: Annotated[str, Form(pattern=STAFF)]
) -> Response:
    """Take a role back, or an invitation."""
    removed = await to_thread.run_sync(api.remove, service, caller, member)
    return RedirectResponse(f"/operate/staff?done={removed.ledger.entry}", 303, NO_STORE)


@router.get("/removal")
async def begin_again() -> Response:
    """Whoever reloads what a form was sent to."""
    return RedirectResponse("/operate/staff", 303)


def _shown(
    request: Request, service: Service, caller: Caller, done: str, invited: api.InvitationView | None
) -> Response:
    members = api.list_staff(service, caller)["staff"]
    roles = [role for role in Role if ROLES[role] <= caller.scopes]
    now = service.housekeeping.clock()
    return page(request, "staff.html", members=members, roles=roles, done=done, invited=invited, now=now)
