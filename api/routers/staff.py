"""Staff: who acts for a tenant in a browser, and by which role."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from api.edge.auth import CallerDep
from api.routers.people import NotStoredDep
from api.schemas.assets import LedgerView, Strict
from api.schemas.assurance import ChangedView
from api.schemas.words import STAFF
from api.service import ServiceDep
from cases.access import Scope
from cases.staff_member import Invitation, Role, StaffId, StaffMember
from ledger.ids import moment

router = APIRouter(prefix="/v1/staff", tags=["access"])

JOIN = "/join"
"""Where the page of an invitation is."""


class InvitationRequest(Strict):
    """Whom to invite."""

    model_config = ConfigDict(json_schema_extra={"example": {"role": "operator"}})

    role: Role


class StaffView(BaseModel):
    """One of the staff, or an invitation that nobody came with yet (`joined_at` is null)."""

    id: str
    principal: str
    role: Role
    invited_at: datetime
    expires_at: datetime
    """Of the invitation."""

    joined_at: datetime | None

    @classmethod
    def of(cls, member: StaffMember) -> Self:
        """The view of one."""
        return cls(
            id=member.id,
            principal=member.principal,
            role=member.role,
            invited_at=moment(member.invited_at),
            expires_at=moment(member.expires_at),
            joined_at=moment(member.joined_at) if member.joined_at else None,
        )


class InvitationView(StaffView):
    """A new invitation; `link` is shown this once."""

    link: str
    ledger: LedgerView

    @classmethod
    def to(cls, invitation: Invitation, origin: str) -> Self:
        """The view of an invitation to this deployment."""
        known = StaffView.of(invitation.member).model_dump()
        link = f"{origin}{JOIN}/{invitation.secret}"
        return cls(**known, link=link, ledger=LedgerView.of(invitation.entry, proven=False))


@router.post("", status_code=201, dependencies=[NotStoredDep])
def invite(service: ServiceDep, caller: CallerDep, request: InvitationRequest) -> InvitationView:
    """Invite somebody to a role in the caller's tenant, which must not reach further than the caller does. The link is
    good once, for a day, for whoever comes with it.
    """
    caller.require(Scope.ACCESS)
    origin = service.registry.people.passkeys.party.origin  # where passkeys are good: of one machine, `localhost`
    return InvitationView.to(service.staff.invite(caller, request.role), origin)


@router.get("")
def list_staff(service: ServiceDep, caller: CallerDep) -> dict[str, list[StaffView]]:
    """The staff of the caller's tenant, and invitations, oldest first."""
    caller.require(Scope.ACCESS)
    return {"staff": [StaffView.of(one) for one in service.staff.all(caller)]}


@router.delete("/{staff}")
def remove(service: ServiceDep, caller: CallerDep, staff: Annotated[str, Path(pattern=STAFF)]) -> ChangedView:
    """Take a role back, or an invitation. Whoever had it is signed out everywhere."""
    caller.require(Scope.ACCESS)
    return ChangedView.of(staff, service.staff.remove(caller, StaffId(staff)))
