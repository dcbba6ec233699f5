"""How far the ledger's stamps are, for its operator. The stamps themselves are published files."""

from __future__ import annotations

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from api.edge.auth import CallerDep
from api.parts.stamps import Stamps
from api.service import ServiceDep
from cases.access import Scope

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


class AuthorityView(BaseModel):
    """One time-stamp authority."""

    name: str
    fault: str
    """What its last answer, or the lack of one, failed of; empty when it did not."""


class StampsView(BaseModel):
    """The last stamp, and whoever should give the next."""

    size: int
    """Entries under the last stamp; 0 before the first."""

    time: str | None
    """When it was made, RFC 3339, by its authority's clock."""

    reason: str
    """Why a stamp that is due is missing; empty when all is well."""

    authorities: list[AuthorityView]
    """In the order in which they are asked; empty where none is set and nothing is stamped."""

    @classmethod
    def of(cls, stamps: Stamps | None) -> Self:
        """The view of a service's stamps."""
        if stamps is None:
            return cls(size=0, time=None, reason="", authorities=[])
        status = stamps.stamping.status()
        authorities = [AuthorityView(name=one.name, fault=one.fault) for one in stamps.time_stamps.authorities]
        time = status.time.isoformat() if status.time else None
        return cls(size=status.size, time=time, reason=status.reason, authorities=authorities)


@router.get("/stamps")
def stamps(service: ServiceDep, caller: CallerDep) -> StampsView:
    """The last time-stamp of a checkpoint, and how each authority has been doing."""
    caller.require(Scope.DEPLOYMENT)
    return StampsView.of(service.stamps)
