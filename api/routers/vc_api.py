"""VC-API for verifiers and holders, open to anyone. Nothing of what is sent is kept but a counter.

The body goes, unread, to a worker: what is hostile in it is parsed there (`identity.vc_api`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.edge.auth import counted_as, identify
from api.edge.openapi import PROBLEM, json_body
from api.edge.plain_route import PlainRoute
from api.edge.upload import receive_whole
from api.schemas.credentials import VERIFIED, CredentialVerificationView, DerivedView
from api.service import Service, service_of
from detection.memfd import Memfd
from identity.vc_api.answer import Judged, verified
from identity.vc_api.checking import Checking
from identity.vc_api.request import CREDENTIAL, MAX_BODY, PRESENTATION

router = APIRouter(tags=["verification"], route_class=PlainRoute)

Answer = TypeVar("Answer")

_ISSUERS: Final = {"issuers": {"type": "array", "items": {"type": "string"}}}
_HEADER: Final = {"presentationHeader": {"type": "string"}}
_CHECKS: Final = {"checks": {"type": "array", "items": {"type": "string"}}}
_EXPECTED: Final = {"challenge": {"type": "string"}, "domain": {"type": "string"}, **_HEADER, **_ISSUERS, **_CHECKS}
_POINTERS: Final = {"selectivePointers": {"type": "array", "items": {"type": "string"}}, **_HEADER}
_JUDGED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": CredentialVerificationView},
    400: {"model": CredentialVerificationView, **PROBLEM, "description": "The same report, or a problem"},
}


@router.post("/credentials/verify", responses=_JUDGED, openapi_extra=json_body(CREDENTIAL, _EXPECTED))
async def verify_credential(request: Request) -> Response:
    """Verify a credential: 200 where it is sound, in force and by who it says, else 400, with the same report.

    Whether its issuer is believed here is a warning, and part of the `verdict`; `options.issuers` are believed besides.
    """
    service = await service_of(request)
    return _judged(service, "credential", await _at_desk(service, request, Checking.credential))


@router.post("/presentations/verify", responses=_JUDGED, openapi_extra=json_body(PRESENTATION, _EXPECTED))
async def verify_presentation(request: Request) -> Response:
    """Verify a presentation and all that it holds; its `challenge` and `domain` are what you gave its holder."""
    service = await service_of(request)
    return _judged(service, "presentation", await _at_desk(service, request, Checking.presentation))


@router.post(
    "/credentials/derive", responses={201: {"model": DerivedView}}, openapi_extra=json_body(CREDENTIAL, _POINTERS)
)
async def derive(request: Request) -> Response:
    """Show of a credential by ecdsa-sd-2023 or bbs-2023 what is mandatory and what `selectivePointers` name."""
    service = await service_of(request)
    return JSONResponse({CREDENTIAL: await _at_desk(service, request, Checking.derive)}, 201)


async def _at_desk(service: Service, request: Request, work: Callable[[Checking, str, Memfd], Answer]) -> Answer:
    caller = await identify(request, service)
    desk = service.credential_callers if caller else service.credential_strangers
    holder = counted_as(caller, request)
    with await receive_whole(request, MAX_BODY, desk.bodies.of(holder)) as body:
        return await desk.turns.run(holder, work, desk.checking, holder, body.content)


def _judged(service: Service, kind: str, judged: Judged) -> Response:
    service.metrics.judged.labels(kind, judged.report.verdict).inc()
    view = VERIFIED.dump_json(CredentialVerificationView.of(judged))
    return Response(view, 200 if verified(judged) else 400, media_type="application/json")
