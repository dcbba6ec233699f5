"""How a registration ends, whichever way: one unit of work leaves nothing of it but ids, times and entries.

Rules
- Its key is destroyed, and with it what is matched (`Subjects.on_erase`); its credential is revoked; that it left the
  index is noted, and proved by the next generation. All of that happens together, or none of it.
- A legal hold keeps it, by name, as it keeps everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, delete, update

from detection.generations.absence import leave
from identity.assurance.account import Accounts
from identity.registration.errors import RegistrationEndedError
from identity.registration.record import KEPT, State, become, find_row
from identity.registration.tables import HoldRow, NoticeRow
from identity.status.decisions import KIND_OF, StatusChanged
from identity.status.decisions import POLICY as STATUS_POLICY
from identity.status.lists import change
from identity.status.token import Status
from ledger.errors import DatabaseUnavailableError
from ledger.ids import PrincipalId, SubjectId, TenantId
from ledger.payload import Draft

REASON: Final = "the registration has ended"


@dataclass(frozen=True)
class Ending:
    """Fixed before the unit of work."""

    accounts: Accounts
    tenant: TenantId
    registration: SubjectId
    revocation: Draft

    @classmethod
    def of(cls, accounts: Accounts, tenant: TenantId, registration: SubjectId, principal: PrincipalId) -> Ending:
        """Raises KeyStoreUnavailableError."""
        system = accounts.ledger.subjects.system(tenant)
        draft = accounts.draft(KIND_OF[Status.INVALID], STATUS_POLICY, principal, system, None)
        return cls(accounts, tenant, registration, draft)

    def end(self, connection: Connection, state: State) -> Sequence[Draft]:
        """In the unit of work; what else it records. Raises RegistrationEndedError, SubjectHeldError."""
        row = find_row(connection, self.tenant, self.registration)
        if row["state"] not in KEPT:
            raise RegistrationEndedError(row["state"])
        gone = {"state": state, "sealed": None, "recovery": None, "holder": None, "leaving_at": None}
        become(connection, self.tenant, self.registration, **gone)
        its = (HoldRow.tenant_id == self.tenant, HoldRow.registration_id == self.registration)
        connection.execute(update(HoldRow).where(*its).values(sealed=None))
        told = (NoticeRow.tenant_id == self.tenant, NoticeRow.registration_id == self.registration)
        connection.execute(delete(NoticeRow).where(*told))
        leave(connection, self.tenant, self.registration, self.accounts.now())
        self.accounts.ledger.subjects.erase(connection, self.tenant, self.registration)
        return self._revoke(connection, row["credential_id"]) if row["credential_id"] else ()

    def settled(self) -> None:
        """Once it is durable: what was erased leaves the database's own log as soon as there is room."""
        with suppress(DatabaseUnavailableError):  # housekeeping tries again
            self.accounts.database.truncate_wal()

    def _revoke(self, connection: Connection, credential: str) -> Sequence[Draft]:
        before = change(connection, self.tenant, credential, Status.INVALID)
        if before.status is Status.INVALID:  # by somebody else
            return ()
        place, stood = before.place, before.status.name.lower()
        return [replace(self.revocation, payload=StatusChanged(credential, place.list, place.number, stood, REASON))]
