"""Granting and withdrawing: a change of what an account has shown, and the entry that says so, in one unit of work.

Rules
- Evidence takes the place of what the account had of the same kind from the same source.
- The tiers before and after are reckoned inside the unit of work, so two pieces of evidence at once are two entries of
  which each knows the other or comes before it.
- An address, number or login stands behind no more accounts of a tenant than its rule allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import Connection, delete, func, select

from identity.assurance.account import Accounts, Actor, doubt, require_account
from identity.assurance.decisions import GRANTED, WITHDRAWN, AssuranceEnded, AssuranceGranted
from identity.assurance.errors import AssuranceError, EvidenceNotFoundError, EvidenceSharedError
from identity.assurance.evidence import (
    Detail,
    Evidence,
    Found,
    Standing,
    evidence_of,
    insert_evidence,
    seal_detail,
    standing,
)
from identity.assurance.policy import Policy, Rule
from identity.assurance.tables import EvidenceRow
from identity.assurance.tier import EvidenceKind, Tier
from ledger.entry import format_time
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, new_id
from ledger.payload import Draft

Settle: TypeAlias = Callable[[Connection], AssuranceError | None]
"""What else changes in the same unit of work. An error that it returns is raised once that is committed, and nothing is
granted; one that it raises undoes it.
"""


class Withdrawal(StrEnum):
    """Who takes evidence back."""

    ASKED = "asked"
    """The person it is about, through the platform."""

    PLATFORM = "platform"
    """The platform, which does not believe it any more."""

    PROVIDER = "provider"
    """Whoever vouched."""


@dataclass(frozen=True)
class Granted:
    """What came of good evidence."""

    evidence: Evidence
    standing: Standing
    entry: EntryId


def nothing_else(_connection: Connection) -> None:
    """Settles nothing."""


@dataclass(frozen=True)
class Grants:
    """What accounts have shown. Safe to call from many threads."""

    accounts: Accounts
    policy: Policy

    def standing(self, tenant: TenantId, account: SubjectId) -> Standing:
        """How an account stands now. Raises AccountNotFoundError, KeyStoreUnavailableError."""
        subject = self.accounts.subject(tenant, account)
        with self.accounts.database.read(tenant) as connection:
            return standing(evidence_of(connection, subject), self.policy, self.accounts.now())

    def rests_on(self, tenant: TenantId, account: SubjectId, kind: EvidenceKind, tier: Tier) -> bool:
        """Whether an account has this tier by evidence of this kind alone. Raises as `standing`."""
        now, counted = self.accounts.now(), self.standing(tenant, account).evidence
        enough = {one.detail.kind for one in counted if one.tier(self.policy, now).reaches(tier)}
        return enough == {kind}

    def find(self, tenant: TenantId, account: SubjectId, evidence: str) -> Evidence:
        """One piece of evidence that is kept. Raises AccountNotFoundError, EvidenceNotFoundError."""
        subject = self.accounts.subject(tenant, account)
        with self.accounts.database.read(tenant) as connection:
            found = next((one for one in evidence_of(connection, subject) if one.id == evidence), None)
        if found is None:
            raise EvidenceNotFoundError
        return found

    def grant(self, by: Actor, account: Subject, found: Found, settle: Settle = nothing_else) -> Granted:
        """Record evidence that was found good.

        Raises EvidenceUnknownError, EvidenceSharedError, AccountNotFoundError, and what `settle` says.
        """
        rule, now = self.policy.rule(found.kind, found.region), self.accounts.now()
        new = self._evidence(found, rule, now)
        sealed = seal_detail(account, new.id, new.detail, self.accounts.entropy)
        draft = self.accounts.draft(GRANTED, self.policy.name, by.principal, account, None)
        refused: list[AssuranceError] = []
        stands: list[Standing] = []

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, account.tenant, account.id)
            refused[:] = [error] if (error := settle(connection)) else []
            if refused:
                return []
            _check_shared(connection, account, new, rule, now)
            before = evidence_of(connection, account)
            replaced = [one for one in before if _same_source(one, new)]
            for one in replaced:
                remove(connection, account.tenant, one.id)
            insert_evidence(connection, account, new, sealed)
            stands[:] = [standing([*(one for one in before if one not in replaced), new], self.policy, now)]
            was = standing(before, self.policy, now).tier
            doubt(connection, account.tenant, account.id, stands[0].tier)
            return [replace(draft, payload=self._said(account, new, was, stands[0].tier, replaced))]

        self.accounts.ledger.record(work, account.tenant)
        if refused:
            raise refused[0]
        return Granted(new, stands[0], draft.id)

    def withdraw(self, by: Actor, account: SubjectId, evidence: str, why: Withdrawal) -> EntryId:
        """Take evidence back. Raises AccountNotFoundError, EvidenceNotFoundError."""
        subject, now = self.accounts.subject(by.tenant, account), self.accounts.now()
        draft = self.accounts.draft(WITHDRAWN, self.policy.name, by.principal, subject, None)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, by.tenant, account)
            before = evidence_of(connection, subject)
            found = next((one for one in before if one.id == evidence), None)
            if found is None:
                raise EvidenceNotFoundError
            remove(connection, by.tenant, evidence)
            was, after = (standing(some, self.policy, now).tier for some in (before, [o for o in before if o != found]))
            doubt(connection, by.tenant, account, after)
            said = AssuranceEnded(account, evidence, found.detail.kind, why, Tier.NONE, was, after, self.policy.digest)
            return [replace(draft, payload=said)]

        self.accounts.ledger.record(work, by.tenant)
        return draft.id

    def _evidence(self, found: Found, rule: Rule, now: int) -> Evidence:
        ends = now + int(rule.lasts.total_seconds() * 1000)
        name = new_id("evd", self.accounts.entropy)
        detail = Detail(found.kind, found.method, found.region, rule.tier)
        return Evidence(name, detail, found.mark, found.request, self.policy.digest, now, ends)

    def _said(
        self, account: Subject, new: Evidence, before: Tier, after: Tier, replaced: Sequence[Evidence]
    ) -> AssuranceGranted:
        detail = new.detail
        return AssuranceGranted(
            account=account.id,
            evidence=new.id,
            kind=detail.kind,
            method=detail.method,
            region=detail.region,
            tier=detail.tier,
            before=before,
            after=after,
            expires_at=format_time(new.expires_at),
            request=new.request or "",
            replaces=tuple(one.id for one in replaced),
            policy_sha256=self.policy.digest,
        )


def remove(connection: Connection, tenant: TenantId, evidence: str) -> None:
    """In a unit of work."""
    connection.execute(delete(EvidenceRow).where(EvidenceRow.tenant_id == tenant, EvidenceRow.id == evidence))


def _same_source(one: Evidence, other: Evidence) -> bool:
    return (one.detail.kind, one.detail.method) == (other.detail.kind, other.detail.method)


def _check_shared(connection: Connection, account: Subject, new: Evidence, rule: Rule, now: int) -> None:
    if new.mark is None or rule.accounts is None:
        return
    others = select(func.count(EvidenceRow.account_id.distinct())).where(
        EvidenceRow.tenant_id == account.tenant,
        EvidenceRow.mark == new.mark,
        EvidenceRow.account_id != account.id,
        EvidenceRow.expires_at > now,
    )
    if connection.execute(others).scalar_one() >= rule.accounts:
        raise EvidenceSharedError(rule.accounts)
