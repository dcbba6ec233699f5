"""How much may be registered: by an account, according to what is known of it, and by whoever brings registrations.

Each registration tells its maker whether it was held, and so, faintly, whether somebody alike is registered. What
bounds searching is that every try costs one of few, by an account of which something is known, for one face of its own.
What was withdrawn or refused counts, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from identity.assurance.tier import Tier
from identity.registration.errors import RegisteredAlreadyError, TooManyRegistrationsError
from identity.registration.record import KEPT
from identity.registration.refusal import Kind
from identity.registration.tables import RegistrationRow
from ledger.ids import PrincipalId, SubjectId, TenantId

NEEDED: Final = Tier.MEDIUM
"""What an account has to have."""

WINDOW: Final = timedelta(days=30)
PER_ACCOUNT: Final[Mapping[Tier, int]] = {Tier.MEDIUM: 3, Tier.HIGH: 10}
"""Registrations in a window."""

CALLER_WINDOW: Final = timedelta(hours=1)
PER_CALLER: Final = 200
"""Registrations that one caller brings in its window, for whatever accounts: a flood is somebody's stolen key."""

_MILLISECOND: Final = timedelta(milliseconds=1)


def check_account(connection: Connection, tenant: TenantId, account: SubjectId, tier: Tier, now: int) -> None:
    """In the unit of work. Raises TooManyRegistrationsError."""
    mine = RegistrationRow.account_id == account
    _check(connection, tenant, mine, PER_ACCOUNT[tier], WINDOW, now, f"an account of tier {tier}")


def check_caller(connection: Connection, tenant: TenantId, principal: PrincipalId, now: int) -> None:
    """In the unit of work. Raises TooManyRegistrationsError."""
    mine = RegistrationRow.principal_id == principal
    _check(connection, tenant, mine, PER_CALLER, CALLER_WINDOW, now, "this caller")


def check_own(connection: Connection, tenant: TenantId, account: SubjectId) -> None:
    """In the unit of work, where the account's holder registers their own face. Raises RegisteredAlreadyError."""
    mine = (RegistrationRow.tenant_id == tenant, RegistrationRow.account_id == account, RegistrationRow.own == 1)
    faces = (RegistrationRow.kind == Kind.FACE, RegistrationRow.state.in_(KEPT))
    before = connection.execute(select(RegistrationRow.id).where(*mine, *faces).limit(1)).scalar()
    if before is not None:
        raise RegisteredAlreadyError(before)


def _check(
    connection: Connection,
    tenant: TenantId,
    whose: ColumnElement[bool],
    most: int,
    window: timedelta,
    now: int,
    who: str,
) -> None:
    span = window // _MILLISECOND
    recent = (RegistrationRow.tenant_id == tenant, whose, RegistrationRow.created_at > now - span)
    newest = select(RegistrationRow.created_at).where(*recent).order_by(RegistrationRow.created_at.desc()).limit(most)
    made = connection.execute(newest).scalars().all()
    if len(made) >= most:
        raise TooManyRegistrationsError(who, (made[-1] + span - now) // 1000 + 1)
