"""`AccountAssurance`: an account's tier as a credential, for whoever asks later than within minutes.

Rules
- It is issued as any credential of ours (`identity.issuing`), on record, and lasts for a day. That the account has the
  tier is asked in the unit of work that issues it.
- Whatever takes the tier away (evidence that ends, is withdrawn or counts for less, an erased account) marks its
  credentials in the same unit of work; they are revoked in their status list within seconds, on record.
- Which account a credential is about is written nowhere but in it, and in a row that goes when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from identity.assurance.account import Accounts, Actor, require_account
from identity.assurance.errors import AssuranceError
from identity.assurance.evidence import Evidence, evidence_of
from identity.assurance.grants import Grants
from identity.assurance.statements import Missing, Stated, ends, missing
from identity.assurance.tables import StatedRow
from identity.assurance.tier import Tier
from identity.issuing.credential_types import ACCOUNT_ASSURANCE
from identity.issuing.issue import Issuing
from identity.issuing.issued import CredentialId
from identity.issuing.orders import TypedOrder
from identity.jose.jwk import PublicKey
from identity.status.decisions import KIND_OF, StatusChanged
from identity.status.decisions import POLICY as STATUS_POLICY
from identity.status.lists import change
from identity.status.token import Status
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

BATCH: Final = 200
"""Credentials revoked in one round."""

REASON: Final = "the account does not have this tier any more"


class _MissingError(AssuranceError):
    """The account does not have the tier, or not any more."""


@dataclass(frozen=True)
class AccountCredentials:
    """Credentials about accounts. Safe to call from many threads."""

    accounts: Accounts
    grants: Grants
    issuing: Issuing

    def state(
        self, by: Actor, account: SubjectId, wanted: Tier, form: str, holder: PublicKey | None = None, country: str = ""
    ) -> Stated | Missing:
        """A credential that the account has this tier, in a form of ours (a cryptosuite, `dc+sd-jwt`); or what lacks.

        Raises AccountNotFoundError, and as `Issuing.issue`.
        """
        policy, now = self.grants.policy, self.accounts.now()
        subject = self.accounts.subject(by.tenant, account)
        claims = {"account": str(account), "tier": wanted.value, "policy": policy.name}
        order = TypedOrder(ACCOUNT_ASSURANCE, claims, form, holder, found_here=True)
        found: list[Evidence] = []
        until = now + int(ACCOUNT_ASSURANCE.lifetime.total_seconds() * 1000)

        def within(connection: Connection, made: Sequence[CredentialId]) -> None:
            by.alive(connection)
            self._require(connection, subject, wanted, now, found)
            row = {"tenant_id": by.tenant, "account_id": account, "tier": wanted, "doubted": 0, "expires_at": until}
            connection.execute(insert(StatedRow).values(**row, credential_id=made[0]))

        try:
            with self.accounts.database.read(by.tenant) as connection:  # nothing is signed in vain
                self._require(connection, subject, wanted, now, found)
            (issued,) = self.issuing.issue(by.tenant, by.principal, [order], within)
        except _MissingError:
            return missing(found, policy, wanted, now, country)
        return Stated(wanted, issued.credential, until, issued.entry)

    def revoke_doubted(self) -> int:
        """Revoke what says a tier that its account has no more; how many. Call until it answers 0."""
        doubted = select(StatedRow.tenant_id, StatedRow.credential_id).where(StatedRow.doubted == 1).limit(BATCH)
        with self.accounts.database.read(SystemSession.SWEEP) as connection:
            rows = connection.execute(doubted).all()
        for tenant, credential in rows:
            self._revoke(tenant, credential)
        return len(rows)

    def _require(self, connection: Connection, subject: Subject, wanted: Tier, now: int, found: list[Evidence]) -> None:
        require_account(connection, subject.tenant, subject.id)
        found[:] = evidence_of(connection, subject)
        if ends(found, self.grants.policy, wanted, now) is None:
            raise _MissingError

    def _revoke(self, tenant: TenantId, credential: str) -> None:
        ledger, kind = self.accounts.ledger, KIND_OF[Status.INVALID]
        actor, system = ledger.system_principal(tenant), ledger.subjects.system(tenant)
        draft = self.accounts.draft(kind, STATUS_POLICY, actor, system, None)

        def work(connection: Connection) -> Sequence[Draft]:
            before = change(connection, tenant, credential, Status.INVALID)
            mine = (StatedRow.tenant_id == tenant, StatedRow.credential_id == credential)
            connection.execute(delete(StatedRow).where(*mine))
            if before.status is Status.INVALID:  # by somebody else
                return []
            place, stood = before.place, before.status.name.lower()
            return [replace(draft, payload=StatusChanged(credential, place.list, place.number, stood, REASON))]

        ledger.record(work, tenant)
