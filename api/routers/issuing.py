"""Issuing credentials: VC-API's route and our own; the issuer's DID document, context and schemas, for anyone."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from api.edge.auth import AnyoneDep, CallerDep
from api.edge.openapi import json_body
from api.schemas.assets import LedgerView
from api.schemas.issuing import (
    CREDENTIAL,
    MEDIA_TYPES,
    CredentialRequest,
    EditionView,
    IssuedDocumentView,
    IssuedView,
    KeyRevocationRequest,
    RevokedKeyView,
    ordered,
)
from api.service import ServiceDep
from cases.access import Scope
from cases.credentials import IssueRequest
from cases.idempotency import MAX_KEY_LENGTH
from identity.issuing.did_document import HISTORY_PATH, PATH
from identity.issuing.vocabulary import CONTEXT_PATH, SCHEMA_PATH, context, schema

router = APIRouter()

IdempotencyHeader = Annotated[str, Header(alias="Idempotency-Key", max_length=MAX_KEY_LENGTH)]
CHANGING: Final = {"Cache-Control": "public, max-age=60"}
"""A key that is rotated signs once the document lists it: whoever meets one they do not know asks again."""

FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_OPTIONS: Final = {
    "cryptosuite": {"type": "string"},
    "mediaType": {"type": "string", "enum": list(MEDIA_TYPES)},
    "credentialStatus": {"type": "object"},
    "mandatoryPointers": {"type": "array", "items": {"type": "string"}},
}


@router.post("/credentials/issue", status_code=201, tags=["credentials"], openapi_extra=json_body(CREDENTIAL, _OPTIONS))
async def issue(
    request: Request, service: ServiceDep, caller: CallerDep, idempotency_key: IdempotencyHeader = ""
) -> IssuedDocumentView:
    """Issue a credential (VC-API): one of our types, whose dates, id and status are added, or your own as it stands."""
    caller.require(Scope.ISSUE)
    body = await request.body()
    order = ordered(body)
    asked = IssueRequest(order, idempotency_key, body)
    issued = await service.signing.run(caller.principal, service.issuance.credentials.issue, caller, asked)
    assert isinstance(issued.credential, dict)
    ledger = LedgerView.of(issued.entry, proven=False)
    return IssuedDocumentView(verifiableCredential=issued.credential, id=issued.id, ledger=ledger)


@router.post("/v1/credentials", status_code=201, tags=["credentials"])
async def issue_typed(
    service: ServiceDep, caller: CallerDep, request: CredentialRequest, idempotency_key: IdempotencyHeader = ""
) -> IssuedView:
    """Issue a credential of one of our types, in any format: what is said of its subject, and for whose key."""
    caller.require(Scope.ISSUE)
    asked = IssueRequest(request.order(), idempotency_key, request.model_dump_json().encode())
    issued = await service.signing.run(caller.principal, service.issuance.credentials.issue, caller, asked)
    return IssuedView.of(issued)


@router.get(PATH, dependencies=[AnyoneDep], tags=["issuer"], response_class=Response)
def did_document(service: ServiceDep) -> Response:
    """The issuer's DID document (did:web): every key that verifies what it issued."""
    document = json.dumps(service.issuance.record.newest().document)
    return Response(document, media_type="application/did+json", headers=CHANGING)


@router.get(HISTORY_PATH, dependencies=[AnyoneDep], tags=["issuer"])
def did_history(service: ServiceDep, response: Response) -> dict[str, list[EditionView]]:
    """Every DID document there was, oldest first, each with the ledger entry that it came with."""
    response.headers.update(CHANGING)
    return {"editions": [EditionView.of(edition) for edition in service.issuance.record.editions()]}


@router.post("/v1/issuer-keys/{key}/revocation", tags=["access"])
def revoke(service: ServiceDep, caller: CallerDep, key: str, request: KeyRevocationRequest) -> RevokedKeyView:
    """Let nothing verify any more with a version of the issuer's keys (`sigillo-issuer-p256@2`). It cannot be taken
    back; until its key is rotated, nothing is signed with that key.
    """
    caller.require(Scope.DEPLOYMENT)
    record = service.issuance.record
    return RevokedKeyView.of(record.did, record.revoke(caller.principal, key, request.reason))


@router.get(CONTEXT_PATH, dependencies=[AnyoneDep], tags=["issuer"], response_class=Response)
def our_context() -> Response:
    """The JSON-LD context of our types."""
    return Response(context(), media_type="application/ld+json", headers=FOR_EVER)


@router.get(SCHEMA_PATH, dependencies=[AnyoneDep], tags=["issuer"], response_class=JSONResponse)
def our_schema(slug: str) -> Response:
    """The JSON Schema of one of our types."""
    found = schema(slug)
    if found is None:
        raise HTTPException(404, "No such schema")
    return Response(found, media_type="application/schema+json", headers=FOR_EVER)
