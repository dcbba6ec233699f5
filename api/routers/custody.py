"""Custody: whose a file is and through which hands it went, by id and by file; and handing an asset over."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from api.edge.auth import CallerDep, counted_as, identify
from api.edge.openapi import BINARY, multipart
from api.edge.prefer import ProofDep
from api.edge.upload import Upload, UploadError, receive
from api.parts.known_logs import parse_logs
from api.routers.assets import IdempotencyHeader
from api.routers.verifications import widened
from api.schemas.custody import BundleView, CustodyView, HandoverRequest, HandoverView, OfferPage, OfferView
from api.schemas.words import AFTER_ENTRY, ASSET
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.asset import AssetId
from cases.custody.custodian import Told
from cases.custody.handovers import PAGE
from cases.custody.imported import Imported
from ledger.errors import CheckpointError
from ledger.ids import PrincipalId
from provenance.custody.bundle import MAX_BUNDLE_BYTES, MEDIA_TYPE
from provenance.custody.imported import BundleReport
from provenance.trust import ListInForce

router = APIRouter(tags=["custody"])
handovers = APIRouter(tags=["custody", "hand-overs"])
imports = APIRouter(tags=["custody", "custody imports"])

PRIVATE = {"Cache-Control": "private, no-store"}
AssetPath = Annotated[str, Path(pattern=ASSET)]
_CUSTODY, _BUNDLE = TypeAdapter(CustodyView), TypeAdapter(BundleView)


@router.get("/v1/assets/{asset}/custody", tags=["assets"], responses={200: {"model": CustodyView}})
async def by_id(service: ServiceDep, caller: CallerDep, asset: str) -> Response:
    """The custody of an asset of yours: a graph of files, of what was done with them, and of the proof of each step.

    It is told of the manifests; whether a file is the one that was signed, `POST /v1/custody` tells of the file.
    `confidence` is as of the signing.
    """
    caller.require(Scope.READ)
    found = await service.callers.turns.run(
        caller.principal, service.custody.callers.of_asset, caller, AssetId(asset), service.trust.policy()
    )
    return _answer(found)


@router.post(
    "/v1/custody",
    responses={200: {"model": CustodyView}},
    openapi_extra=multipart({"manifest": BINARY, "anchors": {"type": "string"}, "trust_config": {"type": "string"}}),
)
async def by_file(request: Request, service: ServiceDep) -> Response:
    """The same of a file, for anybody; with its manifest store (`.c2pa`) as `manifest` where that is kept beside it.

    Of assets of this deployment everybody learns what is public of them, and their owner all. `anchors` (PEM) and
    `trust_config` (OIDs) widen whom to trust. Of a file without a manifest, `recovered` is what it may be a copy of,
    with the custody of that. With `?confidence=true` the answer says how sure we are, and why.
    """
    caller = await identify(request, service)
    desk = service.callers if caller else service.strangers
    holder = counted_as(caller, request)
    confidence = request.query_params.get("confidence") == "true"
    with await receive(request, service.settings.upload_bytes, desk.uploads.of(holder)) as upload:
        return _answer(await desk.turns.run(holder, _of_file, service, holder, caller, upload, confidence))


@router.post(
    "/v1/assets/{asset}/custody/bundle",
    tags=["assets"],
    status_code=201,
    response_class=Response,
    responses={201: {"content": {MEDIA_TYPE: {}}}},
)
async def export(service: ServiceDep, caller: CallerDep, asset: str) -> Response:
    """Its custody in one file, for another deployment: manifests, graph, receipts, and the proof that this log said so.

    That it was exported goes on record first, each time.
    """
    caller.require(Scope.READ)
    bundle = await service.callers.turns.run(caller.principal, _export, service, caller, AssetId(asset))
    return Response(bundle, status_code=201, media_type=MEDIA_TYPE, headers=PRIVATE)


@router.post(
    "/v1/custody/bundles",
    responses={200: {"model": BundleView}},
    openapi_extra=multipart({name: {"type": "string"} for name in ("anchors", "trust_config", "log_keys")}),
)
async def show(request: Request, service: ServiceDep) -> Response:
    """What a custody bundle (the part `file`) is worth, for anybody; nothing of it is kept.

    `log_keys` (verifier keys, one a line) are logs that you know besides, `anchors` and `trust_config` whom you trust.
    """
    caller = await identify(request, service)
    desk = service.callers if caller else service.strangers
    holder = counted_as(caller, request)
    with await receive(request, MAX_BUNDLE_BYTES, desk.uploads.of(holder)) as upload:
        return await desk.turns.run(holder, _show, service, holder, caller, upload)


@imports.post(
    "/v1/custody/imports",
    status_code=201,
    responses={201: {"model": BundleView}},
    openapi_extra=multipart({}),
)
async def bring(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    proof: ProofDep,
    idempotency_key: IdempotencyHeader = "",
) -> Response:
    """Bring a custody bundle (the part `file`): it is verified, and recorded whose word it is and what that is worth.

    Its log must be one that the operator knows, and its signers trusted, or the verdict says *untrusted*.
    """
    caller.require(Scope.SIGN)
    with await receive(request, MAX_BUNDLE_BYTES, service.callers.uploads.of(caller.principal)) as upload:
        take = partial(_take, service, caller, upload, idempotency_key)
        found, report, lists = await service.callers.turns.run(caller.principal, take)
    view = BundleView.of(report, lists, await proof.of(found.entry), found)
    return Response(_BUNDLE.dump_json(view), status_code=201, media_type="application/json", headers=PRIVATE)


@handovers.post("/v1/assets/{asset}/handover", status_code=201)
async def offer(
    service: ServiceDep, caller: CallerDep, proof: ProofDep, asset: AssetPath, request: HandoverRequest
) -> HandoverView:
    """Offer an asset of yours to another principal of your tenant. It stays yours until they accept."""
    caller.require(Scope.SIGN)
    to = PrincipalId(request.to)
    entry = await to_thread.run_sync(service.custody.handovers.offer, caller, AssetId(asset), to)
    return HandoverView(asset=asset, ledger=await proof.of(entry))


@handovers.delete("/v1/assets/{asset}/handover")
async def end(service: ServiceDep, caller: CallerDep, proof: ProofDep, asset: AssetPath) -> HandoverView:
    """Take your offer back, or decline the one that was made to you."""
    caller.require(Scope.SIGN)
    entry = await to_thread.run_sync(service.custody.handovers.end, caller, AssetId(asset))
    return HandoverView(asset=asset, ledger=await proof.of(entry))


@handovers.post("/v1/assets/{asset}/handover/acceptance", status_code=201)
async def accept(service: ServiceDep, caller: CallerDep, proof: ProofDep, asset: AssetPath) -> HandoverView:
    """Take over what is offered to you: it is yours from now on, and its owner's before no more."""
    caller.require(Scope.SIGN)
    entry = await to_thread.run_sync(service.custody.handovers.accept, caller, AssetId(asset))
    return HandoverView(asset=asset, ledger=await proof.of(entry))


@handovers.get("/v1/handovers")
def offered(
    service: ServiceDep,
    caller: CallerDep,
    response: Response,
    cursor: Annotated[str, Query(pattern=AFTER_ENTRY)] = "",
) -> OfferPage:
    """What is offered to you."""
    caller.require(Scope.READ)
    response.headers.update(PRIVATE)
    found = service.custody.handovers.offered(caller, cursor)
    return OfferPage(offers=[OfferView.of(one) for one in found], next=found[-1].id if len(found) == PAGE else None)


def _of_file(service: Service, holder: str, caller: Caller | None, upload: Upload, confidence: bool) -> Told:
    custodian, trust = service.custody.callers if caller else service.custody.strangers, widened(service, upload)
    return custodian.of_file(holder, caller, upload.content, trust, upload.sidecar, confidence=confidence)


def _answer(found: Told) -> Response:
    """Written as it is: to have it validated again takes a while where there are a thousand nodes."""
    return Response(_CUSTODY.dump_json(CustodyView.of(found)), media_type="application/json", headers=PRIVATE)


def _export(service: Service, caller: Caller, asset: AssetId) -> bytes:
    policy, anchors = service.trust.policy(), service.trust.anchors()
    return service.custody.exports.bundle(caller, asset, policy, anchors)


def _show(service: Service, holder: str, caller: Caller | None, upload: Upload) -> Response:
    desk = service.custody.callers_imports if caller else service.custody.strangers_imports
    try:
        known = parse_logs(upload.fields.get("log_keys", ""))
    except CheckpointError as error:
        raise UploadError(f"the part `log_keys`: {error}") from error
    trust = widened(service, upload)
    view = BundleView.of(desk.look(holder, upload.content, trust, known), trust.lists)
    return Response(_BUNDLE.dump_json(view), media_type="application/json", headers=PRIVATE)


def _take(
    service: Service, caller: Caller, upload: Upload, key: str
) -> tuple[Imported, BundleReport, tuple[ListInForce, ...]]:
    trust = service.trust.policy()
    return (*service.custody.callers_imports.take(caller, upload.content, trust, key), trust.lists)


router.routes += [*handovers.routes, *imports.routes]
