"""What is held, for whoever decides about it: legal holds; assets and registrations that wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from api.edge.oauth import NO_STORE
from api.routers import holds, likeness, registrations
from api.routers.holds import ReleaseRequest
from api.schemas.assets import Strict
from api.schemas.registrations import DecisionRequest
from api.schemas.words import AFTER_ASSET, AFTER_ENTRY, AFTER_REGISTRATION_HOLD, HOLD, Reason
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import FormDep, staff
from cases.access import Caller, Scope

router = pages(prefix="/operate/holds")

HoldsDep = Annotated[Caller, staff(Scope.HOLD, Scope.REVIEW)]


class Held(StrEnum):
    """What is held."""

    LEGAL = "legal"
    ASSET = "asset"
    REGISTRATION = "registration"


class Decision(StrEnum):
    """What somebody decides about it."""

    RELEASE = "release"
    REFUSE = "refuse"


DECISIONS: Final[Mapping[tuple[Held, Decision], tuple[Callable[..., Any], Callable[..., Strict]]]] = {
    (Held.LEGAL, Decision.RELEASE): (holds.release, ReleaseRequest),
    (Held.ASSET, Decision.RELEASE): (likeness.release, ReleaseRequest),
    (Held.ASSET, Decision.REFUSE): (likeness.refuse, ReleaseRequest),
    (Held.REGISTRATION, Decision.RELEASE): (registrations.release, DecisionRequest),
    (Held.REGISTRATION, Decision.REFUSE): (registrations.refuse, DecisionRequest),
}
"""The API's routes, and what they are asked with. A legal hold is not refused."""


@router.get("")
async def look(
    request: Request,
    service: ServiceDep,
    caller: HoldsDep,
    done: Annotated[str, Query(pattern=AFTER_ENTRY)] = "",
    assets: Annotated[str, Query(pattern=AFTER_ASSET)] = "",
    registrations: Annotated[str, Query(pattern=AFTER_REGISTRATION_HOLD)] = "",
) -> Response:
    """What is held, as far as the role reaches; of assets and registrations the page that comes after these ids.

    `done` is the entry of what was just decided.
    """
    after = {"assets": assets, "registrations": registrations}
    found = await to_thread.run_sync(_found, service, caller, after)
    return page(request, "holds.html", done=done, after=after, **found)


@router.post("")
async def decide(
    service: ServiceDep,
    caller: HoldsDep,
    _: FormDep,
    held: Annotated[Held, Form()],
    decision: Annotated[Decision, Form()],
    name: Annotated[str, Form(pattern=HOLD)],
    reason: Annotated[Reason, Form()],
) -> Response:
    """Release or refuse, for a reason that goes on record."""
    if (held, decision) not in DECISIONS:
        raise HTTPException(404)
    act, asked = DECISIONS[held, decision]
    decided = await to_thread.run_sync(act, service, caller, name, asked(reason=reason))
    return RedirectResponse(f"/operate/holds?done={decided.ledger.entry}", 303, NO_STORE)


def _found(service: Service, caller: Caller, after: Mapping[str, str]) -> dict[str, Any]:
    """None of what the role does not reach."""
    legal, reviewed = (scope in caller.scopes for scope in (Scope.HOLD, Scope.REVIEW))
    return {
        "legal": holds.list_holds(service, caller)["holds"] if legal else None,
        "assets": likeness.held(service, caller, Response(), after["assets"]) if reviewed else None,
        "registrations": registrations.list_holds(service, caller, after=after["registrations"]) if reviewed else None,
    }
