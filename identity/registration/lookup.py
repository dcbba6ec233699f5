"""Finding registrations: one, an account's, and those of a match that protect.

What is sealed is opened for whoever may see it, or in memory to decide with; it is no payload of the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from identity.assurance.account import Accounts
from identity.registration.errors import AccountRegisteredError, RegistrationEndedError, RegistrationNotFoundError
from identity.registration.record import KEPT, PROTECTING, Registration, State, ended, find_row, opened, rows_of
from identity.registration.tables import RegistrationRow
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId, may_be_stored
from ledger.storage.tenancy import SystemSession

MAX_OF_ACCOUNT: Final = 100
"""Registrations of one account that are listed, the newest."""

MAX_TOLD: Final = 10
"""Registrations that a refusal names."""

MAX_ASKED: Final = 500
"""Registrations that are asked about at once."""


def require_unregistered(connection: Connection, tenant: TenantId, subject: SubjectId) -> None:
    """In the unit of work that erases a subject (`Subjects.on_erase`): an account goes after what it registered.

    Raises AccountRegisteredError.
    """
    mine = (RegistrationRow.tenant_id == tenant, RegistrationRow.account_id == subject)
    kept = select(RegistrationRow.id).where(*mine, RegistrationRow.state.in_(KEPT)).limit(MAX_TOLD)
    if found := connection.execute(kept).scalars().all():
        raise AccountRegisteredError(found)


@dataclass(frozen=True)
class Registrations:
    """The registrations of every tenant. Safe to call from many threads."""

    accounts: Accounts

    def find(self, tenant: TenantId, registration: SubjectId) -> Registration:
        """Raises RegistrationNotFoundError, KeyStoreUnavailableError, SealBrokenError."""
        with self.accounts.database.read(tenant) as connection:
            row = find_row(connection, tenant, registration)
        return self._opened(tenant, row)

    def locate(self, registration: SubjectId) -> TenantId:
        """Whose it is, for who knows its id. Raises RegistrationNotFoundError."""
        whose = select(RegistrationRow.tenant_id).where(RegistrationRow.id == registration)
        with self.accounts.database.read(SystemSession.AUTHENTICATION) as connection:
            found: TenantId | None = connection.execute(whose).scalar() if may_be_stored(registration) else None
        if found is None:
            raise RegistrationNotFoundError
        return found

    def kept(
        self, tenant: TenantId, registration: SubjectId, states: Sequence[State] = KEPT
    ) -> tuple[Registration, Subject]:
        """One that has its key, with it. Raises as `find`, and RegistrationEndedError."""
        found = self.find(tenant, registration)
        if found.state not in states or found.details is None:
            raise RegistrationEndedError(found.state)
        try:
            return found, self.accounts.ledger.subjects.open(tenant, registration)
        except SubjectErasedError as error:  # between the two
            raise RegistrationEndedError(State.WITHDRAWN) from error

    def of_account(self, tenant: TenantId, account: SubjectId) -> list[Registration]:
        """The newest of an account's, those that ended as well. Raises KeyStoreUnavailableError, SealBrokenError."""
        newest = (RegistrationRow.created_at.desc(), RegistrationRow.id)
        mine = rows_of(tenant).where(RegistrationRow.account_id == account).order_by(*newest).limit(MAX_OF_ACCOUNT)
        with self.accounts.database.read(tenant) as connection:
            rows = connection.execute(mine).mappings().all()
        return [self._opened(tenant, row) for row in rows]

    def active(self, tenant: TenantId, registrations: Collection[SubjectId]) -> dict[SubjectId, Registration]:
        """Those of these that protect now, with what each refuses, and where. Ended, held and expired ones do not.

        Raises KeyStoreUnavailableError, SealBrokenError: then nothing is known, and not that nobody refuses.
        """
        wanted, now = sorted(registrations), self.accounts.now()
        if len(wanted) > MAX_ASKED:
            raise ValueError(f"{len(wanted)} registrations at once, at most {MAX_ASKED}")
        protect = (RegistrationRow.state.in_(PROTECTING), RegistrationRow.expires_at > now)
        with self.accounts.database.read(tenant) as connection:
            mine = rows_of(tenant).where(RegistrationRow.id.in_(wanted), *protect)
            rows = connection.execute(mine).mappings().all()
        found = (self._opened(tenant, row) for row in rows)
        return {one.id: one for one in found if one.details is not None}

    def holders(self, tenant: TenantId, registrations: Collection[SubjectId]) -> dict[SubjectId, SubjectId]:
        """Whose these are, of those that are kept: the accounts, by registration."""
        columns = select(RegistrationRow.id, RegistrationRow.account_id)
        mine = (RegistrationRow.tenant_id == tenant, RegistrationRow.id.in_(sorted(registrations)))
        with self.accounts.database.read(tenant) as connection:
            found = connection.execute(columns.where(*mine, RegistrationRow.state.in_(KEPT))).all()
        return {row.id: row.account_id for row in found}

    def _opened(self, tenant: TenantId, row: RowMapping) -> Registration:
        if row["sealed"] is None:
            return ended(row)
        try:
            return opened(self.accounts.ledger.subjects.open(tenant, row["id"]), row)
        except SubjectErasedError:  # since the row was read
            return ended(row)
