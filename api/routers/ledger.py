"""The public ledger: its newest checkpoint, its key, receipts by entry id. Nothing here needs a key."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.auth import AnyoneDep
from api.service import ServiceDep
from ledger.errors import NotProvenError
from ledger.ids import EntryId

router = APIRouter(tags=["ledger"], dependencies=[AnyoneDep])

CHECKPOINT_AGE = "public, max-age=1"


@router.get("/ledger/checkpoint", response_class=Response)
def checkpoint(service: ServiceDep) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    return Response(service.ledger.checkpoint(), media_type="text/plain", headers={"Cache-Control": CHECKPOINT_AGE})


@router.get("/ledger/log.vkey", response_class=Response)
def verifier_key(service: ServiceDep) -> Response:
    """The verifier key of checkpoints (C2SP signed-note)."""
    return Response(service.ledger.vkey() + "\n", media_type="text/plain")


@router.get(
    "/v1/receipts/{entry}",
    response_class=Response,
    responses={
        200: {"description": "The receipt"},
        202: {"description": "Durable, not yet proven: ask again"},
    },
)
def receipt(service: ServiceDep, entry: str) -> Response:
    """The receipt of an entry (C2SP tlog-proof), with the entry itself as its extra data."""
    try:
        return Response(service.ledger.receipt(EntryId(entry)), media_type="text/plain; charset=utf-8")
    except NotProvenError:
        said = "The entry is durable; no checkpoint covers it yet. Ask again in a second.\n"
        return Response(said, status_code=202, media_type="text/plain", headers={"Retry-After": "1"})
