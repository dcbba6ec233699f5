"""Revoking, suspending and reinstating credentials, for whoever may (`identity.status.lists`).

Rules
- How a credential stands changes together with its entry, or not at all; what is published follows within a second.
- What changes nothing writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from cases.access import Caller, require_alive
from identity.status.decisions import KIND_OF, POLICY, StatusChanged
from identity.status.lists import Standing, change, standing
from identity.status.token import Status
from ledger.ids import EntryId
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database


@dataclass(frozen=True)
class CredentialStanding:
    """How every tenant's credentials stand. Safe to call from many threads."""

    ledger: Ledger
    database: Database

    def change(self, by: Caller, credential: str, to: Status, reason: str) -> EntryId | None:
        """Let a credential stand so; None where it does already.

        Raises CredentialUnknownError, RevokedForEverError.
        """
        system = self.ledger.subjects.system(by.tenant)
        draft = self.ledger.draft(KIND_OF[to].name, POLICY, by.principal, system, None)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            before = change(connection, by.tenant, credential, to)
            if before.status is to:
                return []
            place = before.place
            payload = StatusChanged(credential, place.list, place.number, before.status.name.lower(), reason)
            return [replace(draft, payload=payload)]

        recorded = self.ledger.record(work, by.tenant)
        return recorded.entries[0] if recorded.entries else None

    def read(self, by: Caller, credential: str) -> Standing:
        """How a credential of the caller's tenant stands. Raises CredentialUnknownError."""
        with self.database.read(by.tenant) as connection:
            return standing(connection, by.tenant, credential)
