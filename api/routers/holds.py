"""Legal holds: what lies under one is neither erased nor expired."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.edge.auth import CallerDep
from api.schemas.assets import LedgerView, Strict
from api.schemas.words import HOLD, Reason
from api.service import ServiceDep
from cases.access import Scope
from cases.asset import AssetId
from cases.holds import Hold
from ledger.ids import EntryId, moment

router = APIRouter(prefix="/v1/holds", tags=["holds"])

MAX_ASSETS = 100
HoldName = Annotated[str, Field(pattern=HOLD)]
"""Told to whoever is refused: it names a matter, such as case-2026-118, and nobody."""


class HoldRequest(Strict):
    """What to keep, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "case-2026-118",
                "assets": ["ast_aaaaaaaaaaaaaaaaaaaaaaaaaa"],
                "reason": "order of the district court, 3 March",
            }
        }
    )

    name: HoldName
    assets: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_ASSETS)]
    reason: Reason


class ReleaseRequest(Strict):
    """Why a hold ends."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "the case is closed"}})

    reason: Reason


class HoldView(BaseModel):
    """A legal hold."""

    name: str
    assets: list[str]
    placed_at: datetime

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """The view of a hold."""
        return cls(name=hold.name, assets=list(hold.assets), placed_at=moment(hold.placed_at))


class HoldChangedView(BaseModel):
    """A hold was placed or released."""

    name: str
    ledger: LedgerView

    @classmethod
    def of(cls, name: str, entry: EntryId) -> Self:
        """The view of the act."""
        return cls(name=name, ledger=LedgerView.of(entry, proven=False))


@router.post("", status_code=201)
def place(service: ServiceDep, caller: CallerDep, request: HoldRequest) -> HoldChangedView:
    """Keep assets of the tenant from being erased and from expiring, whoever uploaded them, until it is released."""
    caller.require(Scope.HOLD)
    entry = service.holds.place(caller, request.name, [AssetId(one) for one in request.assets], request.reason)
    return HoldChangedView.of(request.name, entry)


@router.get("")
def list_holds(service: ServiceDep, caller: CallerDep) -> dict[str, list[HoldView]]:
    """Every hold of the caller's tenant."""
    caller.require(Scope.HOLD)
    return {"holds": [HoldView.of(hold) for hold in service.holds.all(caller)]}


@router.post("/{name}/release")
def release(
    service: ServiceDep, caller: CallerDep, name: Annotated[str, Path(pattern=HOLD)], request: ReleaseRequest
) -> HoldChangedView:
    """End a hold for everything under it."""
    caller.require(Scope.HOLD)
    return HoldChangedView.of(name, service.holds.release(caller, name, request.reason))
