"""The public ledger: checkpoint, key, tiles, entries, stamps as static files; receipts. Nothing needs a key."""

from __future__ import annotations

import io
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from api.edge.auth import BundleDep, ReaderDep
from api.edge.prefer import ProofDep
from api.service import Service, ServiceDep
from ledger.auditing.bundle import VERIFIER
from ledger.errors import BundleError, NotProvenError
from ledger.ids import EntryId
from ledger.stamping.stamps import ANCHORS_FILE, FOLDER, INDEX_FILE

CHECKPOINT_AGE = "public, max-age=1"
MAX_BUNDLED = 16_384
"""Entries in one bundle that is served: some megabytes, a second's work."""

Index = Annotated[int | None, Query(ge=0, le=2**53)]
_AS_FILE = {"Content-Disposition": 'attachment; filename="audit-bundle.zip"', "Cache-Control": CHECKPOINT_AGE}

router = APIRouter(tags=["ledger"], dependencies=[ReaderDep])

TILE_AGE = "public, max-age=31536000, immutable"
"""By its path a tile is the same for ever."""


@router.get("/ledger/checkpoint", response_class=Response)
def checkpoint(service: ServiceDep) -> Response:
    """The checkpoint that the log shows (C2SP tlog-checkpoint), with its witnesses' cosignatures (tlog-cosignature)."""
    return Response(service.ledger.checkpoint(), media_type="text/plain", headers={"Cache-Control": CHECKPOINT_AGE})


@router.get("/ledger/log.vkey", response_class=Response)
def verifier_key(service: ServiceDep) -> Response:
    """The verifier key of checkpoints (C2SP signed-note)."""
    return Response(service.ledger.vkey() + "\n", media_type="text/plain")


@router.get(
    "/ledger/tile/{path:path}",
    response_class=Response,
    responses={200: {"description": "The bytes", "content": {"application/octet-stream": {}}}},
)
def tile(service: ServiceDep, path: str) -> Response:
    """A tile of hashes (`0/000`, `0/001.p/88`) or a bundle of entries (`entries/000`), as far as the checkpoint
    reaches (C2SP tlog-tiles).
    """
    found = service.ledger.published(f"tile/{path}")
    return Response(found, media_type="application/octet-stream", headers={"Cache-Control": TILE_AGE})


@router.get(
    "/ledger/stamps/{name}",
    response_class=Response,
    responses={200: {"description": "The bytes", "content": {"application/octet-stream": {}}}},
)
def stamp(service: ServiceDep, name: str) -> Response:
    """A time-stamp of a checkpoint (`300.tsr`, RFC 3161), what was stamped (`300.checkpoint`), the `index` of their
    sizes, or the roots of their authorities (`anchors.pem`).
    """
    path = f"{FOLDER}/{name}"
    age = CHECKPOINT_AGE if path in (INDEX_FILE, ANCHORS_FILE) else TILE_AGE
    found = service.ledger.published(path)
    return Response(found, media_type="application/octet-stream", headers={"Cache-Control": age})


@router.get("/ledger/verify.py", response_class=Response)
def bundle_verifier() -> Response:
    """The verifier of audit bundles: one Python file that needs nothing else. Its digest is in docs/verifying.md."""
    return Response(VERIFIER.read_bytes(), media_type="text/x-python; charset=utf-8")


@router.get(
    "/ledger/bundle.zip",
    dependencies=[BundleDep],
    response_class=Response,
    responses={200: {"description": "The bundle", "content": {"application/zip": {}}}},
)
def bundle(service: ServiceDep, first: Index = None, last: Index = None) -> Response:
    """The audit bundle of entries `first` to `last`, both included: the newest 16,384 without, and no more at once.

    `sigillo ledger bundle --url` makes larger ones out of the same files.
    """
    out = io.BytesIO()
    service.ledger.bundle(out, *_range(service, first, last))
    return Response(out.getvalue(), media_type="application/zip", headers=_AS_FILE)


@router.get(
    "/v1/receipts/{entry}",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "The receipt"},
        202: {"description": "Durable, not yet proven: ask again"},
    },
)
async def receipt(service: ServiceDep, response: Response, proof: ProofDep, entry: str) -> str:
    """The receipt of an entry (C2SP tlog-proof), with the entry itself as its extra data."""
    await proof.wait(entry)
    try:
        return await to_thread.run_sync(service.ledger.receipt, EntryId(entry))
    except NotProvenError:
        seconds = service.ledger.proof_seconds
        response.status_code, response.headers["Retry-After"] = 202, str(seconds)
        return f"The entry is durable; no checkpoint covers it yet. Ask again in {seconds} s.\n"


def _range(service: Service, first: int | None, last: int | None) -> tuple[int, int | None]:
    """The range [first, end) that was asked for. Raises BundleError for one that is too long."""
    if first is None and last is None:
        return max(service.ledger.status().proven - MAX_BUNDLED, 0), None
    end = min((first or 0) + MAX_BUNDLED, service.ledger.status().proven) if last is None else last + 1
    if end - (first or 0) > MAX_BUNDLED:
        raise BundleError(
            f"a bundle served has {MAX_BUNDLED} entries at most: ask for less, or use `sigillo ledger bundle`"
        )
    return first or 0, end
