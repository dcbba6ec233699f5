"""The claim key's certificates: the operator says which are revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.edge.auth import CallerDep
from api.schemas.assets import Strict
from api.schemas.words import Moment
from api.service import ServiceDep
from cases.access import Scope
from keys.revocation import Reason, Revocation

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class RevocationRequest(Strict):
    """Why a certificate is revoked."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"reason": "keyCompromise", "since": "2026-03-01T00:00:00Z"}}
    )

    reason: Reason
    since: Moment | None = None
    """What was signed from here on is not trusted. Default: now, and for keyCompromise all that it ever signed."""


class RevocationView(BaseModel):
    """The revocation that is in force: an earlier one may reach further back than the one just asked for."""

    key: str
    serial: str
    """Of the certificate, hexadecimal."""

    issuer: str
    """Who issued it, by common name: where that is not this service, it should revoke it, too."""

    revoked_at: datetime
    since: datetime
    reason: str

    @classmethod
    def of(cls, key: str, revocation: Revocation) -> Self:
        """The view of a revocation."""
        return cls(
            key=key,
            serial=f"{revocation.certificate.serial:x}",
            issuer=revocation.certificate.issuer,
            revoked_at=revocation.at,
            since=revocation.since,
            reason=revocation.reason,
        )


@router.post("/{key}/revocation")
def revoke(service: ServiceDep, caller: CallerDep, key: str, request: RevocationRequest) -> RevocationView:
    """Revoke the certificate of one version of the claim key (`sigillo-claim@2`): it signs no more, and what it signed
    from `since` on is not trusted. It cannot be taken back.
    """
    caller.require(Scope.DEPLOYMENT)
    return RevocationView.of(key, service.revocations.revoke(caller, key, request.reason, request.since))
