"""How much may be asked, so that nobody finds out by asking whom the registry knows, or what their faces are like.

Rules
- Whoever has met one person as often as PER_PERSON in a day is answered nothing about anybody until that is over: from
  then on no answer depends on a face, so no face can be climbed towards.
- Near copies of registered pictures do not count: nothing follows from them, and whoever registers a picture that
  somebody uploads all day must not be able to stop them with it.
- Which limit was met is not said. Counts are rows: a restart begins nothing anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, select

from cases.likeness.tables import CheckRow, MatchRow
from identity.registration.refusal import Kind
from identity.registration.tables import RegistrationRow
from ledger.ids import PrincipalId, TenantId

WINDOW: Final = timedelta(days=1)
PER_TOOL: Final = 5_000
"""Checks by one principal in a window."""

PER_PERSON: Final = 30
"""Files of one principal that showed the same registered face, in a window: checks and uploads together."""

CHECK_KEPT: Final = WINDOW + timedelta(hours=1)
"""Longer than an Idempotency-Key is remembered."""
_WINDOW: Final = WINDOW // timedelta(milliseconds=1)


def tool_waits(connection: Connection, tenant: TenantId, principal: PrincipalId, now: int) -> int:
    """Milliseconds until the tool may ask again; 0 if it may now."""
    mine = (CheckRow.tenant_id == tenant, CheckRow.principal_id == principal, CheckRow.at > now - _WINDOW)
    counted = connection.execute(select(func.count(CheckRow.id), func.min(CheckRow.at)).where(*mine)).one()
    return counted[1] + _WINDOW - now if counted[0] >= PER_TOOL else 0


def person_waits(connection: Connection, tenant: TenantId, asker: str, now: int) -> int:
    """The same for whoever has met one person too often."""
    mine = (MatchRow.tenant_id == tenant, MatchRow.asker == asker, MatchRow.at > now - _WINDOW)
    its = (RegistrationRow.tenant_id == MatchRow.tenant_id) & (RegistrationRow.id == MatchRow.registration_id)
    faces = (RegistrationRow.tenant_id == tenant, RegistrationRow.kind == Kind.FACE)
    met = select(func.min(MatchRow.at)).join(RegistrationRow, its).where(*mine, *faces)
    often = met.group_by(MatchRow.registration_id)
    began = connection.execute(often.having(func.count(MatchRow.id) >= PER_PERSON)).scalars().all()
    return max(began) + _WINDOW - now if began else 0


def forget_checks(connection: Connection, now: int) -> None:
    """Drop checks that no rate is counted by any more; bookkeeping."""
    connection.execute(delete(CheckRow).where(CheckRow.at <= now - CHECK_KEPT // timedelta(milliseconds=1)))
