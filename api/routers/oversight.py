"""For regulators: search of the public entries, which needs no key; and payloads, each opening of which is an entry."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.edge.auth import AnyoneDep, CallerDep
from api.schemas.oversight import (
    ActivityView,
    CursorText,
    DisclosureRequest,
    FindingsView,
    Kind,
    OpeningView,
    PageView,
    Policy,
    SearchRequest,
    cursor_of,
    query_of,
)
from api.schemas.words import Moment
from api.service import ServiceDep
from cases.access import Scope
from ledger.ids import EntryId
from ledger.publishing.activity import MAX_DAYS

router = APIRouter(prefix="/v1/ledger")

PRIVATE = "private, no-store"


@router.get("/entries", tags=["ledger"], dependencies=[AnyoneDep])
def entries(
    service: ServiceDep,
    kind: Kind = "",
    policy: Policy = "",
    begins: Annotated[Moment | None, Query(alias="from")] = None,
    ends: Annotated[Moment | None, Query(alias="to")] = None,
    cursor: CursorText = "",
) -> PageView:
    """Public entries by kind, policy and time (`from` inclusive, `to` exclusive), in the order of the log."""
    query = query_of(kind, policy, begins, ends)
    return PageView.of(service.ledger.search(query, cursor_of(cursor)))


@router.get("/activity", tags=["ledger"], dependencies=[AnyoneDep])
def activity(service: ServiceDep, days: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 30) -> ActivityView:
    """How many entries of each kind the last `days` days have, today the last, in UTC."""
    return ActivityView.of(service.ledger.activity(days))


@router.post("/disclosures", status_code=201, tags=["oversight"])
def disclose(service: ServiceDep, caller: CallerDep, response: Response, request: DisclosureRequest) -> OpeningView:
    """Open payloads of the caller's tenant. Who asked, why, and for which entries is recorded first."""
    caller.require(Scope.AUDIT)
    response.headers["Cache-Control"] = PRIVATE
    return OpeningView.of(service.oversight.disclose(caller, [EntryId(one) for one in request.entries], request.reason))


@router.post("/searches", tags=["oversight"])
def search(service: ServiceDep, caller: CallerDep, response: Response, request: SearchRequest) -> FindingsView:
    """Search payloads of the caller's tenant by actor, outcome and model: all that are looked through are opened, which
    is recorded first. A call opens a hundred at most; `next` goes on.
    """
    caller.require(Scope.AUDIT)
    response.headers["Cache-Control"] = PRIVATE
    query = query_of(request.kind, request.policy, request.begins, request.ends)
    cursor = cursor_of(request.cursor)
    return FindingsView.of(service.oversight.search(caller, request.reason, query, request.wanted, cursor))
