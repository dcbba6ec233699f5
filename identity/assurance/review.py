"""Evidence that counts no longer, or for less: it expired, or another version of the policy is in force.

What it counts for is reckoned whenever somebody asks, so nothing waits for this; here the entry is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, or_, select, update

from identity.assurance.account import Accounts, doubt
from identity.assurance.credentials import AccountCredentials
from identity.assurance.decisions import DOWNGRADED, EXPIRED, AssuranceEnded
from identity.assurance.errors import AccountNotFoundError, EvidenceNotFoundError
from identity.assurance.evidence import Evidence, evidence_of, seal_detail, standing
from identity.assurance.grants import Grants, remove
from identity.assurance.policy import Policy
from identity.assurance.tables import EvidenceRow
from identity.assurance.tier import Tier, highest
from keys.errors import SealBrokenError
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

BATCH: Final = 200
"""Pieces of evidence reviewed in one round."""


@dataclass(frozen=True)
class Review:
    """The rounds of housekeeping."""

    accounts: Accounts
    grants: Grants
    credentials: AccountCredentials

    @property
    def policy(self) -> Policy:
        """In force."""
        return self.grants.policy

    def round(self) -> int:
        """Review what is due, and revoke what is said no more; how many were due. Call until it answers 0.

        Raises SealBrokenError, once the rest is done, for evidence that does not open; KeyStoreUnavailableError.
        """
        now = self.accounts.now()
        due = or_(EvidenceRow.expires_at <= now, EvidenceRow.policy != self.policy.digest)
        columns = select(EvidenceRow.tenant_id, EvidenceRow.account_id, EvidenceRow.id)
        with self.accounts.database.read(SystemSession.SWEEP) as connection:
            rows = connection.execute(columns.where(due).limit(BATCH)).all()
        damaged: SealBrokenError | None = None
        for tenant, account, evidence in rows:
            try:
                self._review(tenant, account, evidence)
            except SealBrokenError as error:  # one damaged row keeps nobody else's evidence from ending
                damaged = error
        revoked = self.credentials.revoke_doubted()
        if damaged is not None:
            raise damaged
        return len(rows) + revoked

    def _review(self, tenant: TenantId, account: SubjectId, evidence: str) -> None:
        try:
            found = self.grants.find(tenant, account, evidence)
            subject = self.accounts.subject(tenant, account)
        except (AccountNotFoundError, EvidenceNotFoundError):  # erased, replaced or withdrawn since the round read it
            return
        self._settle(subject, found)

    def _settle(self, subject: Subject, found: Evidence) -> None:
        """Write down what the evidence is worth from now on."""
        now = self.accounts.now()
        worth, gone = found.tier(self.policy, now), found.expires_at <= now
        detail = replace(found.detail, tier=worth)
        sealed = seal_detail(subject, found.id, detail, self.accounts.entropy)
        kind = EXPIRED if worth is Tier.NONE else DOWNGRADED
        system = self.accounts.ledger.system_principal(subject.tenant)
        draft = self.accounts.draft(kind, self.policy.name, system, subject, None)
        values = {"policy": self.policy.digest, "expires_at": found.ends(self.policy), "sealed": sealed}

        def work(connection: Connection) -> Sequence[Draft]:
            before = evidence_of(connection, subject)
            if found not in before:  # replaced or withdrawn since
                return []
            if worth is Tier.NONE:
                remove(connection, subject.tenant, found.id)
            else:
                mine = (EvidenceRow.tenant_id == subject.tenant, EvidenceRow.id == found.id)
                connection.execute(update(EvidenceRow).where(*mine).values(values))
            if worth is found.detail.tier:
                return []
            after = standing(before, self.policy, now).tier
            doubt(connection, subject.tenant, subject.id, after)
            said = AssuranceEnded(
                account=subject.id,
                evidence=found.id,
                kind=found.detail.kind,
                reason="expired" if gone else "policy",
                tier=worth,
                before=highest(found.detail.tier, after),
                after=after,
                policy_sha256=self.policy.digest,
            )
            return [replace(draft, payload=said)]

        self.accounts.ledger.record(work, subject.tenant)
