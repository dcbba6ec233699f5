"""Claims whose content stays with the tool: whose chain to name, and a signature."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.edge.auth import CallerDep
from api.edge.openapi import CLAIM_TO_SIGN, json_schema
from api.edge.prefer import ProofDep
from api.edge.upload import Upload, receive_whole
from api.routers.assets import IdempotencyHeader
from api.schemas.claims import MAX_BODY, ClaimToSign, SignatureView, SignerView
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.claims import Answer

router = APIRouter(prefix="/v1/claims", tags=["claims"])


@router.get("/signer")
def signer(service: ServiceDep, caller: CallerDep) -> SignerView:
    """Whose chain a claim has to name that is to be signed unseen."""
    caller.require(Scope.SIGN_CLAIMS)
    return SignerView.of(service.claims.signer())


@router.post("/sign", status_code=201, openapi_extra=json_schema(CLAIM_TO_SIGN))
async def sign(
    request: Request, service: ServiceDep, caller: CallerDep, proof: ProofDep, idempotency_key: IdempotencyHeader = ""
) -> SignatureView:
    """Sign a claim whose content stays where it is. Nothing but a C2PA claim is signed, over the assertions that come
    with it, saying what the key may claim; the certificate's name says that the content was not seen.
    """
    caller.require(Scope.SIGN_CLAIMS)
    with await receive_whole(request, MAX_BODY, service.callers.uploads.of(caller.principal)) as body:
        answer = await service.signing.run(caller.principal, _sign, service, caller, body, idempotency_key)
    return SignatureView.of(answer, await proof.of(answer.entry))


def _sign(service: Service, caller: Caller, body: Upload, idempotency_key: str) -> Answer:
    try:
        asked = ClaimToSign.model_validate_json(body.content.read(body.content.size))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from error
    return service.claims.sign(caller, asked.claim, idempotency_key)
