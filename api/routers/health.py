"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.service import ServiceDep

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers, whatever its threads are busy with."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"description": "A part is not ready; `reason` says why"}})
async def readyz(service: ServiceDep) -> JSONResponse:
    """Each part of the service, and why one is not ready."""
    parts = await service.readiness.parts()
    ready = all(part["ready"] for part in parts.values())
    return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """Prometheus text."""
    await run_in_threadpool(service.measure, await service.readiness.parts())
    return Response(service.metrics.render(), media_type="text/plain; version=0.0.4")
