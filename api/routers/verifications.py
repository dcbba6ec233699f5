"""Verification: what a file says about itself, for anyone. Nothing of it is kept but a counter."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from api.edge.auth import counted_as, identify
from api.edge.openapi import BINARY, multipart
from api.edge.plain_route import PlainRoute
from api.edge.upload import Upload, receive
from api.parts.pools import Desk
from api.schemas.verification import VerificationView
from api.service import Service, service_of
from cases.access import Caller
from provenance.trust import TrustPolicy

router = APIRouter(prefix="/v1/verifications", tags=["verification"], route_class=PlainRoute)

_VIEW = TypeAdapter(VerificationView)
_FOR_PAGES = {"Access-Control-Allow-Origin": "*"}
"""Other sites' pages may read the answer (`api/web/embed.py`): it is what anybody gets who sends the file."""


@router.post(
    "",
    responses={200: {"model": VerificationView}},
    openapi_extra=multipart({"manifest": BINARY, "anchors": {"type": "string"}, "trust_config": {"type": "string"}}),
)
async def verify(request: Request) -> Response:
    """Verify a file of any type C2PA defines; of any type at all with its manifest store (`.c2pa`) as `manifest`.

    `anchors` (PEM) and `trust_config` (OIDs) widen whom to trust. With `?confidence=true` the answer says how sure we
    are, and why; the file's metadata are read for that.
    """
    confidence = request.query_params.get("confidence") == "true"
    caller = await identify(request, await service_of(request))
    return Response(
        _VIEW.dump_json(await verified(request, caller, confidence=confidence)),
        media_type="application/json",
        headers=_FOR_PAGES,
    )


async def verified(request: Request, caller: Caller | None, *, confidence: bool) -> VerificationView:
    """What is found about the file in a multipart request of whoever was identified, and with `confidence` how sure we
    are.
    """
    service = await service_of(request)
    desk = service.callers if caller else service.strangers
    holder = counted_as(caller, request)
    with await receive(request, service.settings.upload_bytes, desk.uploads.of(holder)) as upload:
        return await desk.turns.run(holder, _verify, service, desk, holder, upload, caller, confidence)


def _verify(
    service: Service, desk: Desk, holder: str, upload: Upload, caller: Caller | None, confidence: bool
) -> VerificationView:
    trust = widened(service, upload)
    found = desk.verification.verify(
        holder, upload.content, trust, upload.sidecar, caller=caller, confidence=confidence
    )
    service.metrics.verifications.labels(found.report.verdict).inc()
    return VerificationView.of(found, trust.lists)


def widened(service: Service, upload: Upload) -> TrustPolicy:
    """Whom to trust, and whom else an upload's fields say. Raises TrustPolicyError, KeyStoreUnavailableError."""
    return service.trust.widened(upload.fields.get("anchors", ""), upload.fields.get("trust_config", ""))
