"""Whom to trust: the roots under which this deployment's signatures chain, and the lists it goes by."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Self

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from api.edge.auth import AnyoneDep, CallerDep
from api.edge.body import allow
from api.schemas.words import SHA256_OR_NONE
from api.service import ServiceDep
from cases.access import Scope
from cases.trust_lists import Comparison
from provenance.errors import TrustListError
from provenance.trust_list import MAX_CHARACTERS, Anchor, ListName, TrustList

router = APIRouter(prefix="/v1/trust", tags=["trust"])

FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}

Dated = Annotated[date | None, Query(description="When a PEM list was published; a JSON list says so itself.")]
Replaces = Annotated[str, Query(pattern=SHA256_OR_NONE, description="The digest of the list it was compared with.")]


class ListView(BaseModel):
    """A list in force."""

    name: ListName
    issued: str
    """When its publisher published it, RFC 3339."""

    next_update: str | None
    digest: str
    """SHA-256 of the file."""

    anchors: int

    @classmethod
    def of(cls, found: TrustList) -> Self:
        """The view of a list."""
        return cls(
            name=found.name,
            issued=found.issued,
            next_update=found.next_update or None,
            digest=found.digest,
            anchors=len(found.certificates),
        )


class WholeListView(ListView):
    """The same with everybody on it."""

    certificates: tuple[Anchor, ...]
    pem: str

    @classmethod
    def of(cls, found: TrustList) -> Self:
        """The view of a list."""
        brief = ListView.of(found).model_dump()
        return cls(**brief, certificates=found.certificates, pem=found.anchors)


class ListsView(BaseModel):
    """Every list in force."""

    lists: list[ListView]


class ChangeView(BaseModel):
    """What a list would change, or did."""

    list: ListView | None
    """Null where it is dropped."""

    replaces: str
    """The digest of the one in force until then; empty for none."""

    added: tuple[Anchor, ...]
    removed: tuple[Anchor, ...]
    warnings: tuple[str, ...]
    entry: str | None
    """In the ledger, once it is done."""

    @classmethod
    def of(cls, made: Comparison) -> Self:
        """The view of a change."""
        return cls(
            list=ListView.of(made.list) if made.list else None,
            replaces=made.replaces,
            added=made.changes.added,
            removed=made.changes.removed,
            warnings=made.list.warnings if made.list else (),
            entry=made.entry,
        )


@router.get("/anchors.pem", response_class=Response, dependencies=[AnyoneDep])
def anchors(service: ServiceDep) -> Response:
    """PEM certificates; give them to whoever verifies your files elsewhere."""
    return Response(service.trust.anchors(), media_type="application/x-pem-file")


@router.get("/lists", dependencies=[AnyoneDep])
def lists(service: ServiceDep) -> ListsView:
    """The trust lists in force, by which files are judged besides."""
    return ListsView(lists=[ListView.of(one) for one in service.trust_lists.in_force()])


@router.get("/lists/{name}", dependencies=[AnyoneDep])
def read_list(service: ServiceDep, name: ListName) -> WholeListView:
    """One of them, with everybody on it."""
    return WholeListView.of(service.trust_lists.find(name))


@router.post("/lists/{name}/comparison", openapi_extra=FILE)
async def compare(
    request: Request, service: ServiceDep, caller: CallerDep, name: ListName, dated: Dated = None
) -> ChangeView:
    """What a list would change. Nothing is kept."""
    caller.require(Scope.DEPLOYMENT)
    text = await _text(request)
    return ChangeView.of(await to_thread.run_sync(service.trust_lists.compare, name, text, _day(dated)))


@router.put("/lists/{name}", openapi_extra=FILE)
async def update(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    name: ListName,
    dated: Dated = None,
    replaces: Replaces = "",
) -> ChangeView:
    """Put a list in force, at once and on record; files are judged by it from then on."""
    caller.require(Scope.DEPLOYMENT)
    text = await _text(request)
    made = await to_thread.run_sync(service.trust_lists.update, caller, name, text, _day(dated), replaces)
    return ChangeView.of(made)


@router.delete("/lists/{name}")
def drop(service: ServiceDep, caller: CallerDep, name: ListName, replaces: Replaces = "") -> ChangeView:
    """Trust nobody for being on this list any more."""
    caller.require(Scope.DEPLOYMENT)
    return ChangeView.of(service.trust_lists.drop(caller, name, replaces))


async def _text(request: Request) -> str:
    allow(request, MAX_CHARACTERS)
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise TrustListError("it is no text: give PEM, or the JSON that C2PA publishes") from error


def _day(dated: date | None) -> datetime | None:
    return datetime.combine(dated, time(), UTC) if dated else None
