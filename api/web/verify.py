"""Verifying a file in the browser: what `POST /v1/verifications` answers, in plain words. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anyio import to_thread
from fastapi import Request, Response

from api.routers.verifications import verified
from api.schemas.verification import VerificationView
from api.service import Service, ServiceDep, service_of
from api.web.page_route import pages
from api.web.rendering import page
from ledger.ids import EntryId
from provenance.report import Ingredient
from provenance.verdict import Verdict

router = pages(prefix="/verify")

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Node:
    """An ingredient, and what it was made from itself."""

    of: Ingredient
    under: list[Node] = field(default_factory=list)


def nested(ingredients: Sequence[Ingredient]) -> Sequence[Node]:
    """The tree that a report tells in pre-order."""
    roots = list[Node]()
    path = list[Node]()
    for one in ingredients:
        node = Node(one)
        del path[max(one.depth - 1, 0) :]
        (path[-1].under if path else roots).append(node)
        path.append(node)
    return roots


@router.get("")
async def ask(request: Request, service: ServiceDep) -> Response:
    """The form."""
    return _shown(request, service, None)


@router.post("")
async def verify(request: Request) -> Response:
    """The form with what was found below it; it works without any script."""
    service, view = await service_of(request), await verified(request, None, confidence=True)
    return await to_thread.run_sync(_shown, request, service, view)


def _shown(request: Request, service: Service, view: VerificationView | None) -> Response:
    return page(
        request,
        "verify.html",
        view=view,
        tree=nested(view.ingredients) if view else (),
        recorded=_recorded(service, view),
        original=_original(service, view),
        megabytes=f"{service.settings.upload_bytes // MEGABYTE:,}",
    )


def _original(service: Service, view: VerificationView | None) -> str:
    """The entry of the public asset whose manifest's name stands in a file that does not hold; empty without one."""
    if view is None or view.verdict is not Verdict.INVALID or not view.label:
        return ""
    return service.recovery.repository.entry(view.label) or ""


def _recorded(service: Service, view: VerificationView | None) -> str:
    """When our ledger got the signing of a file of ours; empty for others, and before it has its place."""
    if view is None or view.ledger is None or not view.ledger.receipt:
        return ""
    return service.ledger.entry(EntryId(view.ledger.entry)).time
