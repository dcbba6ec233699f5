"""Whether credentials still hold: the public lists, and who changes what stands in them."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from api.edge.auth import CallerDep, ReaderDep
from api.schemas.assets import LedgerView, Strict
from api.schemas.words import Flag, Reason
from api.service import ServiceDep
from cases.access import Scope
from identity.errors import RevokedForEverError
from identity.issuing.orders import URN
from identity.status.lists import ListId
from identity.status.publishing import Form
from identity.status.token import Status
from ledger.ids import EntryId

router = APIRouter()

LIST_AGE: Final = "public, max-age=1"
"""What was revoked shows within a second; who asks again is told in a few bytes that nothing changed (ETag)."""

WORDS: Final = {Status.VALID: "valid", Status.INVALID: "revoked", Status.SUSPENDED: "suspended"}
COMES_TO: Final = {
    ("revocation", True): Status.INVALID,
    ("suspension", True): Status.SUSPENDED,
    ("suspension", False): Status.VALID,
}
"""By purpose, and whether that is to be so."""

MAX_ID: Final = 512
CredentialId = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class NamedStatus(BaseModel):
    """Which of a credential's statuses; its other members may come along (VC-API)."""

    type: Literal["BitstringStatusListEntry"] = "BitstringStatusListEntry"
    purpose: Annotated[Literal["revocation", "suspension"], Field(alias="statusPurpose")]


class StatusRequest(Strict):
    """How a credential is to stand."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "credentialId": "urn:uuid:3f0bd6d5-6a34-4d2e-9a5e-6d1a0f2c7b11",
                "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "suspension"},
                "status": True,
                "reason": "reported as stolen, case 2026-118",
            }
        }
    )

    credential: Annotated[CredentialId, Field(alias="credentialId")]
    """`crd_…`, or the credential's own `id`."""

    named: Annotated[NamedStatus, Field(alias="credentialStatus")]
    status: Flag = True
    reason: Reason = "none given"


class StatusView(BaseModel):
    """How a credential stands."""

    credential: str
    status: str
    """`valid`, `suspended` or `revoked`."""

    ledger: LedgerView | None = None
    """The entry of the change; null where nothing changed."""

    @classmethod
    def of(cls, credential: str, status: Status, entry: EntryId | None = None) -> Self:
        """The view of a status."""
        ledger = LedgerView.of(entry, proven=False) if entry else None
        return cls(credential=credential, status=WORDS[status], ledger=ledger)


@router.get("/status/{listed}/{form}", dependencies=[ReaderDep], tags=["credentials-public"], response_class=Response)
def status_list(service: ServiceDep, listed: str, form: Form, if_none_match: Annotated[str, Header()] = "") -> Response:
    """A status list, signed: a Bitstring Status List credential (`revocation`, `suspension`), or a Token Status List
    (`token`). It is the same for everyone, and says of nobody whose credential is at which place.
    """
    found = service.issuance.status.published(ListId(listed), form)
    tag = f'"{sha256(found.content).hexdigest()[:32]}"'
    headers = {"Cache-Control": LIST_AGE, "ETag": tag, "Access-Control-Allow-Origin": "*"}
    if tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)


@router.post("/credentials/status", tags=["credentials"])
def change_status(service: ServiceDep, caller: CallerDep, request: StatusRequest) -> StatusView:
    """Revoke a credential, for ever; suspend it; or reinstate it (`suspension`, `status` false). VC-API."""
    caller.require(Scope.REVOKE)
    to = COMES_TO.get((request.named.purpose, request.status))
    if to is None:
        raise RevokedForEverError("nothing undoes a revocation: suspend what may hold again")
    credential = request.credential.removeprefix(URN)
    entry = service.issuance.standing.change(caller, credential, to, request.reason)
    return StatusView.of(credential, to, entry)


@router.get("/v1/credentials/{credential}/status", tags=["credentials"])
def read_status(service: ServiceDep, caller: CallerDep, credential: CredentialId) -> StatusView:
    """How a credential of the tenant stands."""
    caller.require(Scope.REVOKE)
    return StatusView.of(credential, service.issuance.standing.read(caller, credential).status)
