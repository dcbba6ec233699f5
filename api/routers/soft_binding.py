"""C2PA's Soft Binding Resolution API: from a file, or a fingerprint of it, to the manifest that it lost.

The paths, parameters and answers are its OpenAPI document's. Its routes that store and delete are not served: what is
signed here is stored by that, and nothing else is.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from api.edge.auth import VisitorDep, counted_as
from api.edge.openapi import PROBLEM
from api.edge.upload import Upload, receive_whole
from api.parts.pools import Desk
from api.schemas.soft_binding import SUPPORTED, SoftBindingAlgList, SoftBindingQuery, SoftBindingQueryResult
from api.service import Service, ServiceDep
from cases.access import Caller
from cases.errors import ReferenceRefusedError, SoftBindingError
from cases.recovery.search import MAX_RESULTS
from detection.memfd import Memfd
from provenance.validation import active

DEFAULT_RESULTS: Final = 10
STORE: Final = "application/c2pa"
_ANY_FILE: Final[dict[str, Any]] = {
    "requestBody": {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
}
_QUERY: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/json": {"schema": SoftBindingQuery.model_json_schema()}}, "required": True}
}


async def counted(request: Request, service: ServiceDep, caller: VisitorDep) -> Caller | None:
    """The caller with a key, or None; whoever it is, one more search. Raises RateExceededError."""
    service.throttle.search(counted_as(caller, request), known=caller is not None)
    return caller


SearcherDep = Annotated[Caller | None, Depends(counted)]
Algorithm = Annotated[str, Query(description="A name in C2PA's soft-binding algorithm list, or one of ours.")]
Most = Annotated[str, Query(alias="maxResults", description="At least 1; no more than 100 are given.")]
router = APIRouter(tags=["soft binding resolution"])


@router.get("/services/supportedAlgorithms")
async def supported() -> SoftBindingAlgList:
    """By which fingerprints manifests can be found here."""
    return SUPPORTED


@router.get("/matches/byBinding")
def by_binding(
    service: ServiceDep, caller: SearcherDep, alg: Algorithm = "", value: str = "", most: Most = ""
) -> SoftBindingQueryResult:
    """Manifests of what has this fingerprint, or nearly. `value` is base64."""
    return _by_binding(service, caller, SoftBindingQuery(alg=alg, value=value), most)


@router.post("/matches/byBinding", openapi_extra=_QUERY)
async def by_large_binding(
    request: Request, service: ServiceDep, caller: SearcherDep, most: Most = ""
) -> SoftBindingQueryResult:
    """The same, the fingerprint in the body."""
    try:
        query = SoftBindingQuery.model_validate_json(await request.body())
    except ValidationError as error:
        raise SoftBindingError('the body is {"alg": …, "value": …}, both texts') from error
    desk, holder = _desk(request, service, caller)
    return await desk.turns.run(holder, _by_binding, service, caller, query, most)


@router.post("/matches/byContent", openapi_extra=_ANY_FILE)
async def by_content(
    request: Request, service: ServiceDep, caller: SearcherDep, alg: Algorithm = "", most: Most = ""
) -> SoftBindingQueryResult:
    """Manifests of what the file in the body looks like. `hintAlg` and `hintValue` are accepted, and not needed."""
    desk, holder = _desk(request, service, caller)
    results = _results(most)
    with await receive_whole(request, service.settings.upload_bytes, desk.uploads.of(holder)) as upload:
        return await desk.turns.run(holder, _by_content, service, desk, holder, upload, caller, alg, results)


@router.post("/matches/byReference", status_code=403, response_class=Response, responses={403: PROBLEM})
async def by_reference(_caller: SearcherDep) -> None:
    """Refused: nothing that a caller points at is fetched. Send the file itself to `/matches/byContent`."""
    raise ReferenceRefusedError


@router.get("/manifests/{manifest_id}", response_class=Response, responses={200: {"content": {STORE: {}}}})
async def manifest(
    request: Request,
    manifest_id: str,
    service: ServiceDep,
    caller: SearcherDep,
    active_only: Annotated[bool, Query(alias="returnActiveManifest")] = False,
) -> Response:
    """The manifest store whose active manifest this is; with `returnActiveManifest`, that one alone."""
    desk, holder = _desk(request, service, caller)
    store = await desk.turns.run(holder, _store, service, desk, holder, manifest_id, caller, active_only)
    return Response(store, media_type=STORE)


def _desk(request: Request, service: Service, caller: Caller | None) -> tuple[Desk, str]:
    """With what a request is worked on, and who holds that meanwhile."""
    return service.callers if caller else service.strangers, counted_as(caller, request)


def _by_binding(service: Service, caller: Caller | None, query: SoftBindingQuery, most: str) -> SoftBindingQueryResult:
    results = _results(most)
    try:
        value = base64.b64decode(query.value, validate=True)
    except ValueError as error:
        raise SoftBindingError("`value` is base64; in an address, its + is written %2B") from error
    return SoftBindingQueryResult.of(service.recovery.search.by_binding(query.alg, value, caller), results)


def _by_content(
    service: Service, desk: Desk, holder: str, upload: Upload, caller: Caller | None, alg: str, results: int
) -> SoftBindingQueryResult:
    matches = service.recovery.matches(desk.verification.eyes(holder), upload.content, caller, alg)
    return SoftBindingQueryResult.of(matches.found, results)


def _store(service: Service, desk: Desk, holder: str, label: str, caller: Caller | None, active_only: bool) -> bytes:
    store = service.recovery.repository.store(label, caller)
    if not active_only:
        return store
    with Memfd.of([store]) as whole:
        return active(desk.verification.workers.of(holder), whole)


def _results(most: str) -> int:
    if not most:
        return DEFAULT_RESULTS
    if not (most.isascii() and most.isdigit() and len(most) < 10 and int(most)):
        raise SoftBindingError("`maxResults` is a whole number, at least 1")
    return min(int(most), MAX_RESULTS)
