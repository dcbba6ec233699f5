"""Terms: a registration lasts as long as the rules of its place say, its owner is reminded, and may renew it.

Rules
- Renewing is agreeing again: to the text that is in force now, for another term from now on. It never shortens one.
- While a withdrawal is under way nothing is renewed: stop it first.
- A registration whose term is over protects nobody any more from that moment (`Registrations.active`); the round ends
  it as a withdrawal does, with its proof of absence. So does the round for withdrawals whose delay is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from identity.assurance.account import Accounts, Actor
from identity.registration.consent import Consent, ConsentProof, ConsentText
from identity.registration.decisions import (
    EXPIRED,
    POLICY,
    RENEWED,
    WITHDRAWN,
    RegistrationExpired,
    RegistrationRenewed,
    RegistrationWithdrawn,
)
from identity.registration.ending import Ending
from identity.registration.errors import ConsentOutdatedError, RegistrationEndedError
from identity.registration.lookup import Registrations
from identity.registration.notices import insert_reminders
from identity.registration.record import KEPT, Registration, State, become, find_row, seal_details
from identity.registration.rules import Rulebook
from identity.registration.tables import RegistrationRow
from identity.registration.withdrawing import Way
from ledger.canonical import canonical
from ledger.entry import format_time
from ledger.errors import SubjectHeldError
from ledger.ids import EntryId, SubjectId, TenantId
from ledger.payload import Draft
from ledger.storage.tables import LegalHold
from ledger.storage.tenancy import SystemSession

BATCH: Final = 100
_WHICH: Final = select(RegistrationRow.tenant_id, RegistrationRow.id, RegistrationRow.expires_at)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Renewal:
    """What is agreed to once more."""

    language: str
    consent_sha256: str
    """Of the text that was shown, hex."""

    proof: ConsentProof = ConsentProof.ATTESTED
    signature: str = field(default="", repr=False)


@dataclass(frozen=True)
class Statement:
    """The text in force, and the bytes that a passkey signs."""

    text: ConsentText
    content: bytes


@dataclass(frozen=True)
class Renewed:
    """How long it lasts from now on."""

    registration: SubjectId
    expires_at: int
    entry: EntryId


@dataclass(frozen=True)
class Terms:
    """Safe to call from many threads."""

    accounts: Accounts
    registrations: Registrations
    rulebook: Rulebook

    def renew(
        self,
        by: Actor,
        registration: SubjectId,
        renewal: Renewal,
        settle: Callable[[Connection], None] = lambda _connection: None,
    ) -> Renewed:
        """Begin another term; `settle` is called in the unit of work.

        Raises RegistrationNotFoundError, RegistrationEndedError, ConsentTextUnknownError, ConsentOutdatedError, and
        what `settle` raises.
        """
        found, subject = self.registrations.kept(by.tenant, registration)
        assert found.details is not None
        consent, expires = self._agreed(found, renewal)
        details = replace(found.details, consent=consent)
        sealed = seal_details(subject, details, self.accounts.entropy)
        draft = self.accounts.draft(RENEWED, POLICY, by.principal, subject, _said(found, consent, expires))

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            settle(connection)
            row = find_row(connection, by.tenant, registration)
            _require_renewable(row, self.accounts.now())
            if row["expires_at"] != found.expires_at:  # somebody else renewed it meanwhile, under this text
                return []
            become(connection, by.tenant, registration, sealed=sealed, expires_at=expires)
            insert_reminders(connection, by.tenant, registration, expires)
            return [draft]

        if not self.accounts.ledger.record(work, by.tenant).entries:
            now = self.registrations.find(by.tenant, registration)
            return Renewed(registration, now.expires_at, now.entry)
        return Renewed(registration, expires, draft.id)

    def statement(self, tenant: TenantId, registration: SubjectId, language: str) -> Statement:
        """What is agreed to by renewing. Raises RegistrationNotFoundError, RegistrationEndedError,
        ConsentTextUnknownError, KeyStoreUnavailableError.
        """
        found, _ = self.registrations.kept(tenant, registration)
        assert found.details is not None
        text = self.rulebook.consent(found.details.place, found.kind, language)
        named = {"name": text.name, "language": text.language, "sha256": text.digest}
        said = {"sigillo": "renewal/v1", "registration": registration, "account": found.account, "text": named}
        return Statement(text, canonical(said))

    def round(self) -> int:
        """End what is due; how many there were. Call until it answers 0.

        What lies under a legal hold waits until it is released. Raises KeyStoreUnavailableError.
        """
        now = self.accounts.now()
        due = self._due(now)
        for row in due:
            with suppress(RegistrationEndedError, SubjectHeldError):  # withdrawn, or held, since the round read it
                self._end(row)
        return len(due)

    def _agreed(self, found: Registration, renewal: Renewal) -> tuple[Consent, int]:
        details = found.details
        assert details is not None
        text = self.rulebook.consent(details.place, found.kind, renewal.language)
        if text.digest != renewal.consent_sha256:
            raise ConsentOutdatedError(text.name)
        lasts = self.rulebook.of(details.place).lasts // _MILLISECOND
        consent = Consent(text.name, text.language, text.digest, renewal.proof, renewal.signature)
        return consent, max(found.expires_at, self.accounts.now() + lasts)

    def _due(self, now: int) -> Sequence[RowMapping]:
        its = (LegalHold.tenant_id == RegistrationRow.tenant_id, LegalHold.subject_id == RegistrationRow.id)
        free = (RegistrationRow.state.in_(KEPT), ~select(LegalHold.name).where(*its).exists())
        columns = _WHICH.where(*free).limit(BATCH)
        with self.accounts.database.read(SystemSession.SWEEP) as connection:
            leaving = connection.execute(columns.where(RegistrationRow.leaving_at <= now)).mappings().all()
            expired = connection.execute(columns.where(RegistrationRow.expires_at <= now)).mappings().all()
        return [*leaving, *(row for row in expired if row not in leaving)]

    def _end(self, row: RowMapping) -> None:
        """As what made it due: of two, the withdrawal."""
        tenant, registration, now = TenantId(row["tenant_id"]), SubjectId(row["id"]), self.accounts.now()
        actor, system = self.accounts.ledger.system_principal(tenant), self.accounts.ledger.subjects.system(tenant)
        withdrawn = RegistrationWithdrawn(registration, Way.RECOVERY)
        expired = RegistrationExpired(registration, format_time(row["expires_at"]))
        left = self.accounts.draft(WITHDRAWN, POLICY, actor, system, withdrawn)
        over = self.accounts.draft(EXPIRED, POLICY, actor, system, expired)
        ending = Ending.of(self.accounts, tenant, registration, actor)

        def work(connection: Connection) -> Sequence[Draft]:
            found = find_row(connection, tenant, registration)
            if found["leaving_at"] is not None and found["leaving_at"] <= now:
                return [left, *ending.end(connection, State.WITHDRAWN)]
            if found["expires_at"] <= now:
                return [over, *ending.end(connection, State.EXPIRED)]
            return []  # stopped, or renewed, since the round read it

        self.accounts.ledger.record(work, tenant)
        ending.settled()


def _require_renewable(row: RowMapping, now: int) -> None:
    state = row["state"]
    if state not in KEPT or row["leaving_at"] is not None:
        raise RegistrationEndedError(State.LEAVING if state in KEPT else state)
    if row["expires_at"] <= now:
        raise RegistrationEndedError(State.EXPIRED)


def _said(found: Registration, consent: Consent, expires: int) -> RegistrationRenewed:
    return RegistrationRenewed(
        registration=found.id,
        consent=consent.text,
        consent_language=consent.language,
        consent_sha256=consent.digest,
        consent_proof=consent.proof,
        before=format_time(found.expires_at),
        expires_at=format_time(expires),
    )
