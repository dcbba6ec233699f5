"""Accounts: whose assurance it is, under a random id that says nothing, with a key of their own.

Rules
- A platform names its account by whatever id it likes, best a pseudonymous one. It is kept as an HMAC under a key of
  the tenant: enough to find the account again, and to nobody else of any use.
- A person may open one for themselves (`identity.passkeys`): it has a principal, which is that person.
- The account is a subject: its id is its subject's id, and erasing it destroys that key with all that it seals.
- An account that was erased is not known any more: named again, it is another one.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from identity.assurance.decisions import ACCOUNT_ERASED, ACCOUNT_OPENED, AccountErased, AccountOpened
from identity.assurance.errors import AccountNotFoundError
from identity.assurance.tables import AccountRow, EvidenceRow, RequestRow, StatedRow
from identity.assurance.tier import Tier
from identity.passkeys.tables import ChallengeRow, PasskeyRow, PersonTokenRow
from keys.clock import Clock, Entropy
from keys.sealing import derive
from ledger.errors import DatabaseUnavailableError, EpochClosedError, SubjectErasedError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, may_be_stored, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database

ACCOUNT_POLICY: Final = "account@1"
EPOCH_TRIES: Final = 3


@dataclass(frozen=True)
class Actor:
    """Who acts, and for which tenant."""

    tenant: TenantId
    principal: PrincipalId
    alive: Callable[[Connection], None] = lambda _connection: None
    """Asked in each unit of work; raises when they may not act any more."""


@dataclass(frozen=True)
class Accounts:
    """The accounts of every tenant. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock
    entropy: Entropy

    def named(self, by: Actor, name: str) -> SubjectId:
        """The account that the tenant calls so, opened if it is new. Raises KeyStoreUnavailableError."""
        handle = self.mark(by.tenant, "account", name)
        found = self._find(by.tenant, handle)
        return found or self._open(by, handle)

    def subject(self, tenant: TenantId, account: SubjectId) -> Subject:
        """The account with its key opened. Raises AccountNotFoundError, KeyStoreUnavailableError."""
        with self.database.read(tenant) as connection:
            require_account(connection, tenant, account)
        try:
            return self.ledger.subjects.open(tenant, account)
        except SubjectErasedError as error:  # between the two
            raise AccountNotFoundError from error

    def erase(self, by: Actor, account: SubjectId) -> EntryId:
        """Destroy the account's key and everything of it. Raises AccountNotFoundError, SubjectHeldError."""
        system = self.ledger.subjects.system(by.tenant)
        draft = self.draft(ACCOUNT_ERASED, ACCOUNT_POLICY, by.principal, system, AccountErased(account))

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, by.tenant, account)
            doubt(connection, by.tenant, account, Tier.NONE)
            for table in (RequestRow, EvidenceRow, PersonTokenRow, ChallengeRow, PasskeyRow):
                mine = (table.tenant_id == by.tenant, table.account_id == account)
                connection.execute(delete(table).where(*mine))
            connection.execute(delete(AccountRow).where(AccountRow.tenant_id == by.tenant, AccountRow.id == account))
            self.ledger.subjects.erase(connection, by.tenant, account)
            return [draft]

        self.ledger.record(work, by.tenant)
        with suppress(DatabaseUnavailableError):  # it is erased: housekeeping empties the log as soon as there is room
            self.database.truncate_wal()
        return draft.id

    def mark(self, tenant: TenantId, purpose: str, *parts: str) -> str:
        """HMAC-SHA256 of these parts under a key of the tenant for this purpose, hex."""
        key = derive(self.ledger.subjects.system(tenant).key, f"assurance/v1/{purpose}")
        return hmac.digest(key, "\0".join(parts).encode(), "sha256").hex()

    def draft(self, kind: Kind, policy: str, principal: PrincipalId, subject: Subject, payload: object) -> Draft:
        """As `Ledger.draft`, by the kind itself."""
        return self.ledger.draft(kind.name, policy, principal, subject, payload)

    def now(self) -> int:
        """The present, in Unix milliseconds."""
        return milliseconds(self.clock())

    def _find(self, tenant: TenantId, handle: str) -> SubjectId | None:
        with self.database.read(tenant) as connection:
            return _holder(connection, tenant, handle)

    def _open(self, by: Actor, handle: str) -> SubjectId:
        """Of two that open it at once, one does, and both get its id."""
        subject = self.ledger.subjects.create(by.tenant, SubjectId(new_id("acc", self.entropy)))
        draft = self.draft(ACCOUNT_OPENED, ACCOUNT_POLICY, by.principal, subject, AccountOpened(subject.id))
        found: list[SubjectId] = []

        def work(connection: Connection, wrapped: Subject) -> Sequence[Draft]:
            by.alive(connection)
            found[:] = [_holder(connection, by.tenant, handle) or subject.id]
            if found != [subject.id]:
                return []
            self.insert(connection, wrapped, handle, draft.id)
            return [draft]

        self.record_new(subject, work)
        return found[0]

    def insert(
        self,
        connection: Connection,
        account: Subject,
        handle: str,
        entry: EntryId,
        principal: PrincipalId | None = None,
    ) -> None:
        """In the unit of work that opens it. Raises EpochClosedError."""
        self.ledger.subjects.insert(connection, account)
        row = {"tenant_id": account.tenant, "id": account.id, "handle": handle, "principal_id": principal}
        connection.execute(insert(AccountRow).values(row | {"opened_at": self.now(), "entry_id": entry}))

    def record_new(self, subject: Subject, work: Callable[[Connection, Subject], Sequence[Draft]]) -> None:
        """Record the work that inserts a new subject, which is wrapped again where its epoch ends meanwhile.

        Raises EpochClosedError, and as `Ledger.record`.
        """
        for _ in range(EPOCH_TRIES):
            try:
                self.ledger.record(partial(_around, work, subject), subject.tenant)
            except EpochClosedError:
                subject = self.ledger.subjects.rewrap(subject)
            else:
                return
        raise EpochClosedError("epochs end faster than this account can be wrapped")


def _around(
    work: Callable[[Connection, Subject], Sequence[Draft]], subject: Subject, connection: Connection
) -> Sequence[Draft]:
    return work(connection, subject)


def require_account(connection: Connection, tenant: TenantId, account: SubjectId) -> None:
    """Raises AccountNotFoundError, also for a subject that is something else."""
    mine = select(AccountRow.id).where(AccountRow.tenant_id == tenant, AccountRow.id == account)
    if not may_be_stored(account) or connection.execute(mine).scalar() is None:
        raise AccountNotFoundError


def doubt(connection: Connection, tenant: TenantId, account: SubjectId, tier: Tier) -> None:
    """In the unit of work that leaves an account at this tier: credentials that say a higher one are to be revoked."""
    higher = [one for one in Tier if not tier.reaches(one)]
    mine = (StatedRow.tenant_id == tenant, StatedRow.account_id == account, StatedRow.tier.in_(higher))
    connection.execute(update(StatedRow).where(*mine).values(doubted=1))


def _holder(connection: Connection, tenant: TenantId, handle: str) -> SubjectId | None:
    mine = select(AccountRow.id).where(AccountRow.tenant_id == tenant, AccountRow.handle == handle)
    return connection.execute(mine).scalar()
