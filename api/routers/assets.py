"""Assets: sign at upload, read back, erase. Everything here belongs to the caller (ADR 0004)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from api.edge.auth import CallerDep
from api.edge.openapi import CHANGE, CLAIM, multipart
from api.edge.prefer import ProofDep
from api.edge.upload import Upload, UploadError, receive
from api.routers.batches import counted, joined
from api.schemas.assets import AssetView, ClaimBody, ErasedView
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.asset import Asset, AssetId, AssetState
from cases.batch import Part
from cases.idempotency import MAX_KEY_LENGTH
from cases.intake import Taken
from cases.signing import Submission
from detection.memfd import Memfd

router = APIRouter(prefix="/v1/assets", tags=["assets"])

OF_A_BATCH = {"batch": {"type": "string"}, "name": {"type": "string"}}
MANIFEST_TYPE = "application/c2pa"
IdempotencyHeader = Annotated[str, Header(alias="Idempotency-Key", max_length=MAX_KEY_LENGTH)]


@router.post("", status_code=201, openapi_extra=multipart({"claim": CLAIM, **OF_A_BATCH}))
async def sign(
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: CallerDep,
    proof: ProofDep,
    idempotency_key: IdempotencyHeader = "",
) -> AssetView:
    """Upload a file of an accepted kind; it is examined, gets a signed C2PA manifest and an entry in the ledger.

    With an `Idempotency-Key` the same request made twice makes one asset. What is made or altered and may show somebody
    who refuses that is signed, and held: the answer is 202, and `hold` says so. With `batch` it counts there, and a
    refusal calls it by its `name`.
    """
    caller.require(Scope.SIGN)
    with await receive(request, service.settings.upload_bytes, service.callers.uploads.of(caller.principal)) as upload:
        part = await joined(service, caller, upload, idempotency_key)
        async with counted(request, service, caller, part, idempotency_key):
            asset = await service.signing.run(
                caller.principal, _take, service, caller, upload, idempotency_key, None, part
            )
    return AssetView.of(_answered(response, asset), await proof.of(asset.entry))


@router.post("/{asset}/transformations", status_code=201, openapi_extra=multipart({"claim": CHANGE}))
async def transform(
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: CallerDep,
    proof: ProofDep,
    asset: str,
    idempotency_key: IdempotencyHeader = "",
) -> AssetView:
    """Upload what a tool made from an asset; the claim's actions say what it did, and the asset is the parent.

    Only while the asset's own media are kept: they go into the new file's history. What was made before is answered
    again under its `Idempotency-Key`.
    """
    caller.require(Scope.SIGN)
    made_from = await to_thread.run_sync(service.library.find, caller, AssetId(asset))
    with await receive(request, service.settings.upload_bytes, service.callers.uploads.of(caller.principal)) as upload:
        upload.hold(made_from.details.signed_bytes if made_from.details else 0)
        made = await service.signing.run(caller.principal, _take, service, caller, upload, idempotency_key, made_from)
    return AssetView.of(_answered(response, made), await proof.of(made.entry))


@router.get("/{asset}")
async def read(service: ServiceDep, caller: CallerDep, proof: ProofDep, asset: str) -> AssetView:
    """One asset: what it is, what is still kept, where it stands in the ledger."""
    caller.require(Scope.READ)
    found = await to_thread.run_sync(service.library.find, caller, AssetId(asset))
    return AssetView.of(found, await proof.of(found.entry))


@router.get("/{asset}/content", response_class=StreamingResponse)
def content(service: ServiceDep, caller: CallerDep, asset: str) -> StreamingResponse:
    """The signed file, until its retention ends."""
    caller.require(Scope.READ)
    found = service.library.find(caller, AssetId(asset))
    stream = service.library.content(found)
    mime, size = (found.details.upload.mime, found.details.signed_bytes) if found.details else ("", 0)
    headers = {"Content-Length": str(size), "Cache-Control": "private, no-store"}
    return StreamingResponse(stream, media_type=mime, headers=headers)


@router.get("/{asset}/manifest", response_class=Response, responses={200: {"content": {MANIFEST_TYPE: {}}}})
def manifest(service: ServiceDep, caller: CallerDep, asset: str) -> Response:
    """Its C2PA manifest store alone, until it is erased: for kinds that cannot carry one, the file to keep beside."""
    caller.require(Scope.READ)
    store = service.library.manifest(service.library.find(caller, AssetId(asset)))
    return Response(store, media_type=MANIFEST_TYPE, headers={"Cache-Control": "private, no-store"})


@router.delete("/{asset}")
async def erase(service: ServiceDep, caller: CallerDep, proof: ProofDep, asset: str) -> ErasedView:
    """Destroy the asset's key and everything sealed under it. Receipts already given out still verify."""
    caller.require(Scope.ERASE)
    entry = await to_thread.run_sync(service.library.erase, caller, AssetId(asset))
    return ErasedView(erased=asset, ledger=await proof.of(entry))


def _answered(response: Response, asset: Asset) -> Asset:
    """201, and 202 for what is signed and held."""
    response.headers["Location"] = f"/v1/assets/{asset.id}"
    if asset.state is AssetState.HELD:
        response.status_code = 202
    return asset


def claim_of(text: str) -> ClaimBody:
    """The claim of an upload. Raises RequestValidationError."""
    try:
        return ClaimBody.model_validate_json(text)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", "claim", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from error


def _take(
    service: Service,
    caller: Caller,
    upload: Upload,
    idempotency_key: str,
    made_from: Asset | None = None,
    part: Part | None = None,
) -> Asset:
    if upload.sidecar:
        raise UploadError("a manifest beside a file is read by verifications only: send the file alone")
    body = claim_of(upload.fields.get("claim", "{}"))
    original = service.library.original(made_from) if made_from else None
    submission = submission_of(caller, body, upload.content, upload.declared_mime)
    submission = replace(submission, idempotency_key=idempotency_key, part=part, original=original)
    with service.intake.take(caller, submission) as taken:
        return asset_of(service, caller, taken)


def submission_of(caller: Caller, body: ClaimBody, content: Memfd, mime: str) -> Submission:
    """What is handed in with that claim. Raises PasskeyUnreadableError."""
    return Submission(
        content=content,
        declared_mime=mime,
        claim=body.claim(caller.grant.tool),
        visibility=body.visibility,
        use=body.purpose,
        place=body.place,
        likeness_check=body.likeness_check,
        account=body.account or "",
        creator=body.creator(),
    )


def asset_of(service: Service, caller: Caller, taken: Taken) -> Asset:
    """The asset that an upload became, which is counted."""
    asset = taken.asset or service.library.find(caller, taken.id)
    service.metrics.signed.labels("yes" if asset.details and asset.details.time_stamp else "no").inc()
    return asset
