"""Withdrawing: at once by whoever is signed in, shows its credential, or is the platform; by the recovery code after a
delay that is told.

Rules
- Whoever holds a recovery code may have found it. So it withdraws nothing at once: the person is told, where they left
  an address, and has DELAY from then on to stop it with a passkey, or through their platform. Who left none, or cannot
  be reached, has UNTOLD from the beginning; their own view of the registration shows it all that time.
- Until then it protects as it did.
- Guessing costs the same whatever is guessed at (`identity.registration.guesses`); an unknown registration, one that
  ended, and a wrong code are one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from identity.assurance.account import Accounts, Actor
from identity.registration.decisions import (
    POLICY,
    WITHDRAWAL_ASKED,
    WITHDRAWAL_STOPPED,
    WITHDRAWN,
    RegistrationWithdrawn,
    WithdrawalAsked,
    WithdrawalStopped,
)
from identity.registration.delays import UNTOLD
from identity.registration.ending import Ending
from identity.registration.errors import (
    NotLeavingError,
    RecoveryCodeError,
    RegistrationEndedError,
    RegistrationNotFoundError,
)
from identity.registration.guesses import Guesses
from identity.registration.lookup import Registrations
from identity.registration.notices import About, insert_notice
from identity.registration.record import KEPT, State, become, find_row
from identity.registration.recovery import RecoveryCode
from identity.registration.tables import RegistrationRow
from ledger.entry import format_time
from ledger.ids import EntryId, SubjectId, TenantId, may_be_stored
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

_MILLISECOND: Final = timedelta(milliseconds=1)


class Way(StrEnum):
    """How somebody withdrew."""

    PERSON = "person"
    """Signed in with a passkey of the account."""

    CREDENTIAL = "credential"
    """By showing the registration's."""

    PLATFORM = "platform"
    RECOVERY = "recovery"
    """By the code, once the delay was over."""


@dataclass(frozen=True)
class Asked:
    """A withdrawal that was asked for with the code."""

    registration: SubjectId
    leaving_at: int
    entry: EntryId | None
    """None where it had been asked for before."""


@dataclass(frozen=True)
class Withdrawals:
    """Safe to call from many threads."""

    accounts: Accounts
    registrations: Registrations
    guesses: Guesses

    def withdraw(self, by: Actor, registration: SubjectId, way: Way) -> EntryId:
        """End it now. Raises RegistrationNotFoundError, RegistrationEndedError, SubjectHeldError."""
        system = self.accounts.ledger.subjects.system(by.tenant)
        said = RegistrationWithdrawn(registration, way)
        draft = self.accounts.draft(WITHDRAWN, POLICY, by.principal, system, said)
        ending = Ending.of(self.accounts, by.tenant, registration, by.principal)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            return [draft, *ending.end(connection, State.WITHDRAWN)]

        self.accounts.ledger.record(work, by.tenant)
        ending.settled()
        return draft.id

    def ask(self, registration: SubjectId, words: str) -> Asked:
        """Ask for it with the recovery code. The same again changes nothing, and answers the same.

        Raises RecoveryCodeError, RecoveryBusyError, KeyStoreUnavailableError.
        """
        code, (tenant, kept) = RecoveryCode.read(words), self._locate(registration)
        self.guesses.check(code, kept)
        if tenant is None:
            raise RecoveryCodeError
        try:
            return self._ask(tenant, registration, kept)
        except (RegistrationNotFoundError, RegistrationEndedError) as error:  # meanwhile
            raise RecoveryCodeError from error

    def stop(self, by: Actor, registration: SubjectId) -> EntryId:
        """Stop what was asked for with the code. Raises RegistrationNotFoundError, RegistrationEndedError,
        NotLeavingError.
        """
        _, subject = self.registrations.kept(by.tenant, registration)
        said = WithdrawalStopped(registration)
        draft = self.accounts.draft(WITHDRAWAL_STOPPED, POLICY, by.principal, subject, said)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            row = find_row(connection, by.tenant, registration)
            if row["state"] not in KEPT:
                raise RegistrationEndedError(row["state"])
            if row["leaving_at"] is None:
                raise NotLeavingError
            state = State.ACTIVE if row["state"] == State.LEAVING else row["state"]
            become(connection, by.tenant, registration, state=state, leaving_at=None)
            return [draft]

        self.accounts.ledger.record(work, by.tenant)
        return draft.id

    def _ask(self, tenant: TenantId, registration: SubjectId, kept: str | None) -> Asked:
        _, subject = self.registrations.kept(tenant, registration)
        leaving, now = self.accounts.now() + UNTOLD // _MILLISECOND, self.accounts.now()
        said = WithdrawalAsked(registration, format_time(leaving))
        actor = self.accounts.ledger.system_principal(tenant)
        draft = self.accounts.draft(WITHDRAWAL_ASKED, POLICY, actor, subject, said)
        found: list[Asked] = []

        def work(connection: Connection) -> Sequence[Draft]:
            row = find_row(connection, tenant, registration)
            if row["state"] not in KEPT or row["recovery"] != kept:  # another code took its place meanwhile
                raise RegistrationEndedError(row["state"])
            if row["leaving_at"] is not None:
                found[:] = [Asked(registration, row["leaving_at"], None)]
                return []
            state = State.LEAVING if row["state"] == State.ACTIVE else row["state"]
            become(connection, tenant, registration, state=state, leaving_at=leaving)
            insert_notice(connection, tenant, registration, About.WITHDRAWAL_ASKED, now)
            found[:] = [Asked(registration, leaving, draft.id)]
            return [draft]

        self.accounts.ledger.record(work, tenant)
        return found[0]

    def _locate(self, registration: SubjectId) -> tuple[TenantId | None, str | None]:
        """Whose it is, and the hash of its code; None and None for one that is not there."""
        whose = select(RegistrationRow.tenant_id, RegistrationRow.recovery).where(RegistrationRow.id == registration)
        with self.accounts.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(whose).one_or_none() if may_be_stored(registration) else None
        return (row.tenant_id, row.recovery) if row else (None, None)
