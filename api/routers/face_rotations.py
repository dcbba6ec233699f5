"""The tenant's rotation key: how it stands, and having it renewed."""

from __future__ import annotations

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from api.edge.auth import CallerDep
from api.schemas.assets import LedgerView
from api.service import ServiceDep
from cases.access import Scope, require_alive
from detection.templates.renewing import RenewalStatus

router = APIRouter(prefix="/v1/face-rotations", tags=["registering"])


class RotationView(BaseModel):
    """The rotation key that the tenant's face templates are made under."""

    version: int
    """For new templates; 0 before the first."""

    waiting: int
    """Templates that are still to be made anew."""

    under_way: bool
    """Whether an older key is still there."""

    @classmethod
    def of(cls, status: RenewalStatus) -> Self:
        """The view of a status."""
        return cls(version=status.version, waiting=status.waiting, under_way=status.under_way)


class RotationBegunView(RotationView):
    """A renewal began."""

    ledger: LedgerView


@router.post("", status_code=202)
def renew(service: ServiceDep, caller: CallerDep) -> RotationBegunView:
    """Have the tenant's rotation key renewed, and every template made anew; searches go on meanwhile."""
    caller.require(Scope.ACCESS)
    renewing = service.registry.faces.renewing
    entry = renewing.begin(caller.tenant, caller.principal, lambda connection: require_alive(connection, caller))
    status = RotationView.of(renewing.status(caller.tenant))
    return RotationBegunView(**status.model_dump(), ledger=LedgerView.of(entry, proven=False))


@router.get("")
def status(service: ServiceDep, caller: CallerDep) -> RotationView:
    """How far it is."""
    caller.require(Scope.ACCESS)
    return RotationView.of(service.registry.faces.renewing.status(caller.tenant))
