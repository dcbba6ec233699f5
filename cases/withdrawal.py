"""Withdrawing and renewing registrations, for whoever calls: the person of the account, their platform, or nobody known
with a recovery code.

Rules
- A person who is signed in acts for their own account's registrations; a platform's key with the scope for those of any
  account of its tenant. To both, another's registration is none.
- A recovery code needs no key and no account: that is what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cases.access import Caller, Scope
from cases.agreement import Agreements
from cases.assurance import actor
from identity.assurance.errors import AccountNotFoundError
from identity.passkeys.responses import Asserted
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.lookup import Registrations
from identity.registration.record import Registration
from identity.registration.renewing import Renewal, Renewed, Statement, Terms
from identity.registration.withdrawing import Asked, Way, Withdrawals
from ledger.ids import EntryId, SubjectId


@dataclass(frozen=True)
class Leaving:
    """The ends of every tenant's registrations, and their terms. Safe to call from many threads."""

    registrations: Registrations
    withdrawals: Withdrawals
    terms: Terms
    agreements: Agreements

    def withdraw(self, by: Caller, registration: SubjectId) -> EntryId:
        """End it now. Raises ScopeMissingError, and as `Withdrawals.withdraw`."""
        self._require_owner(by, registration)
        way = Way.PERSON if by.account is not None else Way.PLATFORM
        return self.withdrawals.withdraw(actor(by), registration, way)

    def ask(self, registration: SubjectId, words: str) -> Asked:
        """Ask for it with the recovery code. Raises as `Withdrawals.ask`."""
        return self.withdrawals.ask(registration, words)

    def stop(self, by: Caller, registration: SubjectId) -> EntryId:
        """Stop what was asked for with the code. Raises ScopeMissingError, and as `Withdrawals.stop`."""
        self._require_owner(by, registration)
        return self.withdrawals.stop(actor(by), registration)

    def statement(self, by: Caller, registration: SubjectId, language: str) -> Statement:
        """What is agreed to by renewing. Raises ScopeMissingError, and as `Terms.statement`."""
        self._require_owner(by, registration)
        return self.terms.statement(by.tenant, registration, language)

    def renew(self, by: Caller, registration: SubjectId, renewal: Renewal, asserted: Asserted | None = None) -> Renewed:
        """Begin another term; a person signs for it with a passkey.

        Raises ScopeMissingError, and as `Terms.renew` and `Agreements.of`.
        """
        found = self._require_owner(by, registration)
        content = self.terms.statement(by.tenant, registration, renewal.language).content
        known = self.agreements.of(by, found.account, content, asserted)
        agreed = replace(renewal, proof=known.proof, signature=known.evidence)
        return self.terms.renew(actor(by), registration, agreed, known.settle)

    def _require_owner(self, by: Caller, registration: SubjectId) -> Registration:
        by.require_self_or(Scope.REGISTER)
        found = self.registrations.find(by.tenant, registration)
        try:
            by.require_for(found.account, Scope.REGISTER)
        except AccountNotFoundError as error:
            raise RegistrationNotFoundError from error
        return found
