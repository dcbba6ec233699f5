"""Batches: thousands of files under one name, sent as uploads are, and how far they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from api.edge.auth import CallerDep
from api.edge.problem import answer_to
from api.edge.upload import Upload, UploadError
from api.schemas.batches import BatchRequest, BatchView
from api.schemas.words import BATCH, SHA256_OR_NONE
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.batch import MAX_NAME, Part, Refusal
from cases.errors import CasesError
from keys.errors import KeysError
from ledger.errors import LedgerError

router = APIRouter(prefix="/v1/batches", tags=["batches"])

PRIVATE = {"Cache-Control": "private, no-store"}
PASSING = frozenset({408, 429})
"""What is no refusal, though its number says so: sent again, it may be taken."""


@router.post("", status_code=201)
def begin(service: ServiceDep, caller: CallerDep, request: BatchRequest) -> BatchView:
    """Begin a batch. Its files are uploads with its id in the part `batch`, under an `Idempotency-Key` each.

    Sent again within a month, a file is the same asset, whether or not its answer arrived. With a part `name` a refusal
    says which file it is of.
    """
    caller.require(Scope.SIGN)
    return BatchView.of(service.batches.begin(caller, request.name, request.expected))


@router.get("/{batch}")
def progress(
    service: ServiceDep,
    caller: CallerDep,
    response: Response,
    batch: Annotated[str, Path(pattern=BATCH)],
    cursor: Annotated[str, Query(pattern=SHA256_OR_NONE)] = "",
) -> BatchView:
    """How far a batch of yours is: signed, refused and why, how many a second, and how long it takes yet."""
    caller.require(Scope.SIGN)
    response.headers.update(PRIVATE)
    return BatchView.of(service.batches.find(caller, batch, cursor))


async def joined(service: Service, caller: Caller, upload: Upload, key: str) -> Part | None:
    """The batch that an upload says it is of. Raises BatchNotFoundError, UploadError."""
    batch, name = upload.fields.get("batch", ""), upload.fields.get("name", "")
    if not batch:
        return None
    if not key:
        raise UploadError("a file of a batch needs an Idempotency-Key: by that it is counted, and known again")
    if len(name) > MAX_NAME:
        raise UploadError(f"the part `name` is longer than {MAX_NAME} characters")
    return await to_thread.run_sync(service.batches.join, caller, batch, name)


@asynccontextmanager
async def counted(
    request: Request, service: Service, caller: Caller, part: Part | None, key: str
) -> AsyncIterator[None]:
    """Keeps in its batch that a file was refused, and why."""
    try:
        yield
    except Exception as error:
        if part:
            await to_thread.run_sync(keep_refusal, service, caller, part, key, answer_to(request, error))
        raise


def keep_refusal(service: Service, caller: Caller, part: Part, key: str, answer: Response) -> None:
    """Keep in its batch what a file was answered, if that is a refusal: what may pass by itself is none."""
    if 400 <= answer.status_code < 500 and answer.status_code not in PASSING:
        said = json.loads(bytes(answer.body))
        refusal = Refusal(part.name, said["type"], said["detail"])
        with suppress(CasesError, KeysError, LedgerError):  # whoever sent it is told all the same
            service.batches.refused(caller, part, key, refusal)
