"""One of the staff: their row, what roles there are, and the invitation to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from sqlalchemy import ForeignKeyConstraint, Index, RowMapping
from sqlalchemy.orm import Mapped, mapped_column

from cases.access import Scope
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.storage.tables import TENANT, Base

StaffId = NewType("StaffId", str)


class Role(StrEnum):
    """What somebody is there for."""

    OPERATOR = "operator"
    """Whoever is on call: how the deployment is, staff, keys, legal holds."""

    COUNSEL = "counsel"
    """Legal holds, and nothing else."""

    REVIEWER = "reviewer"
    """Decides about what is held for a person to look at."""


ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OPERATOR: frozenset({Scope.DEPLOYMENT, Scope.ACCESS, Scope.HOLD}),
    Role.COUNSEL: frozenset({Scope.HOLD}),
    Role.REVIEWER: frozenset({Scope.REVIEW}),
}


class StaffRow(Base):
    """Somebody's role in a tenant, or the invitation to it."""

    __tablename__ = "staff"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        Index(None, "digest", unique=True),
        Index(None, "account_id", unique=True),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    role: Mapped[str]
    digest: Mapped[str | None]
    """SHA-256 of the link's secret, until somebody came with it."""

    invited_at: Mapped[int]
    expires_at: Mapped[int]
    """Of the link."""

    account_id: Mapped[SubjectId | None]
    """Who came: an account of the home tenant, as all people's are."""

    joined_at: Mapped[int | None]
    invited_by: Mapped[PrincipalId | None]
    """Null where that was not kept yet."""


@dataclass(frozen=True)
class StaffMember:
    """One, or an invitation that waits."""

    tenant: TenantId
    id: StaffId
    principal: PrincipalId
    role: Role
    invited_at: int
    expires_at: int
    joined_at: int | None


@dataclass(frozen=True)
class Invitation:
    """One at the only moment its secret is known."""

    member: StaffMember
    secret: str = field(repr=False)
    entry: EntryId


def staff_row(member: StaffMember, inviter: PrincipalId, digest: str) -> dict[str, object]:
    """What an invitation is stored as; `digest` is that of its link's secret."""
    return {
        "invited_by": inviter,
        "tenant_id": member.tenant,
        "id": member.id,
        "principal_id": member.principal,
        "role": member.role,
        "digest": digest,
        "invited_at": member.invited_at,
        "expires_at": member.expires_at,
    }


def member_of(row: RowMapping) -> StaffMember:
    """What is stored."""
    return StaffMember(
        row["tenant_id"],
        StaffId(row["id"]),
        row["principal_id"],
        Role(row["role"]),
        row["invited_at"],
        row["expires_at"],
        row["joined_at"],
    )
