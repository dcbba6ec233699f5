"""How the deployment is, for whoever runs it: what the API answers, in plain words, and what to do.

A part that cannot be told of now takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.edge.problem import problem_of
from api.routers import operations, stamps
from api.routers.oversight import activity
from api.service import Service, ServiceDep
from api.web.audit import DAYS, bars
from api.web.page_route import pages
from api.web.rendering import page
from api.web.sessions import staff
from cases.access import Caller, Scope

OPERATE: Final = "/operate"

router = pages(prefix=OPERATE)

SOON: Final = timedelta(days=30)
"""Before its certificate ends, a key is marked."""

ASKED: Final[Mapping[str, Callable[[Service, Caller], object]]] = {
    "keys": operations.keys,
    "witnesses": operations.witnesses,
    "stamps": stamps.stamps,
    "index": operations.index,
    "models": operations.models,
    "work": operations.work,
    "storage": operations.storage,
    "log": lambda service, _: service.ledger.status(),
    "activity": lambda service, _: activity(service, DAYS),
}


@dataclass(frozen=True)
class Found:
    """What the API answers of one part; or why it does not."""

    view: Any = None
    fault: str = ""


@router.get("")
async def operate(request: Request, service: ServiceDep, caller: Annotated[Caller, staff(*Scope)]) -> Response:
    """Everything at a glance, for an operator; others of the staff go on to what is theirs."""
    if Scope.DEPLOYMENT not in caller.scopes:
        return RedirectResponse("/operate/holds", 303)
    parts = await service.readiness.parts()
    found = await to_thread.run_sync(_found, service, caller)
    now = service.housekeeping.clock()
    return page(request, "operate.html", parts=parts, found=found, now=now, soon=SOON, bars=bars)


def _found(service: Service, caller: Caller) -> Mapping[str, Found]:
    return {name: _answer(ask, service, caller) for name, ask in ASKED.items()}


def _answer(ask: Callable[[Service, Caller], object], service: Service, caller: Caller) -> Found:
    try:
        return Found(ask(service, caller))
    except Exception as error:
        if (known := problem_of(error)) is None:
            raise
        return Found(fault=known.title)
