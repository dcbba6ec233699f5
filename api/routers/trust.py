"""Whom to trust: the roots under which this deployment's signatures chain."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.auth import AnyoneDep
from api.service import ServiceDep

router = APIRouter(tags=["trust"], dependencies=[AnyoneDep])


@router.get("/v1/trust/anchors.pem", response_class=Response)
def anchors(service: ServiceDep) -> Response:
    """PEM certificates; give them to whoever verifies your files elsewhere."""
    return Response(service.trust.anchors(), media_type="application/x-pem-file")
