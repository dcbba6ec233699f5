"""Going on from a database that stands behind what was signed: the operator reads, then confirms."""

from __future__ import annotations

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.edge.auth import CallerDep
from api.schemas.assets import Strict
from api.service import ServiceDep
from cases.access import Scope
from keys.high_water import Mark
from ledger.tree.recovery import Recovery

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


class TreeView(BaseModel):
    """A tree that was signed."""

    size: int
    root: str
    """Hexadecimal."""

    @classmethod
    def of(cls, mark: Mark) -> Self:
        """The view of a mark."""
        return cls(size=mark.size, root=mark.root)


class WitnessedView(BaseModel):
    """What a witness saw that is not here."""

    witness: str
    size: int


class RecoveryView(BaseModel):
    """What was signed, as the high-water mark outside the database has it, the database itself, and witnesses."""

    needed: bool
    reason: str
    mark: TreeView | None
    database: TreeView
    witnesses: list[WitnessedView]
    """Who will not cosign this log again, unless their operators let go of what they saw."""

    confirm: str
    """What to confirm with; empty when there is nothing to recover from."""

    @classmethod
    def of(cls, found: Recovery) -> Self:
        """The view of a recovery."""
        mark = TreeView.of(found.mark) if found.mark else None
        word = found.word if found.reason else ""
        seen = [WitnessedView(witness=one.key.name, size=one.objection or 0) for one in found.witnessed]
        return cls(
            needed=bool(found.reason),
            reason=found.reason,
            mark=mark,
            database=TreeView.of(found.last),
            witnesses=seen,
            confirm=word,
        )


class RecoveryRequest(Strict):
    """The word that says it was read."""

    model_config = ConfigDict(json_schema_extra={"example": {"confirm": "0123456789abcdef"}})

    confirm: str = Field(max_length=64)


class RecoveredView(BaseModel):
    """Recovered."""

    entry: str
    """The ledger entry that says so."""


@router.get("/recovery")
def recovery(service: ServiceDep, caller: CallerDep) -> RecoveryView:
    """Whether the database stands behind what was signed, and what going on from it would lose."""
    caller.require(Scope.DEPLOYMENT)
    return RecoveryView.of(service.ledger.recovery())


@router.post("/recovery")
def recover(service: ServiceDep, caller: CallerDep, request: RecoveryRequest) -> RecoveredView:
    """Go on from this database all the same. It is recorded, and cannot be taken back."""
    caller.require(Scope.DEPLOYMENT)
    return RecoveredView(entry=service.ledger.recover(request.confirm, caller.principal, caller.tenant).entries[0])
