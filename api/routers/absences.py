"""Proofs that a registration is not in the index, for whoever knows its random id."""

from __future__ import annotations

from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.edge.auth import AnyoneDep
from api.schemas.words import REGISTRATION
from api.service import ServiceDep
from detection.generations import absence_verifier
from ledger.ids import SubjectId

router = APIRouter(tags=["registrations"], dependencies=[AnyoneDep])


@router.get(
    "/v1/registrations/{registration}/absence",
    response_class=Response,
    responses={200: {"description": "The proof", "content": {"application/json": {}}}},
)
def absence(service: ServiceDep, registration: Annotated[SubjectId, Path(pattern=REGISTRATION)]) -> Response:
    """The proof that a registration which ended is not in the index: within a minute of its end, for 400 days. Anyone
    checks it with the log's verifier key (`/ledger/absence_verifier.py`).
    """
    return Response(service.registry.absences.proof(registration), media_type="application/json")


@router.get("/ledger/absence_verifier.py", response_class=Response)
def verifier() -> Response:
    """The verifier of these proofs: one Python file that needs `/ledger/verify.py` beside it, and nothing else."""
    content = File(absence_verifier.__file__).read_bytes()
    return Response(content, media_type="text/x-python; charset=utf-8")
