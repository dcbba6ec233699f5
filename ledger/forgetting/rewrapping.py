"""Epochs on schedule, so that what was erased dies in every backup within thirty days (`docs/privacy.md`).

    open ── EPOCH_LIFETIME ──▶ ended ── BACKUP_TIME ──▶ destroyed
            the next one opens,         in the key store, then in the row with its entry
            survivors move over at once

Rules
- Each step is on disk before the next and may be taken again: killed between any two, the next round goes on.
- Survivors move in batches, one short bookkeeping transaction each, so that whoever commits waits for one at most.
- Nothing is destroyed while it wraps a survivor (`Epochs.destroy`), nor before a backup could be made without it.
- What is wrong with one tenant's keys does not hold up the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection, Executable, func, select
from sqlalchemy.orm import aliased

from keys.clock import Clock
from keys.errors import KeysError, KeyStoreUnavailableError
from ledger.decisions import EPOCH_DESTROYED, POLICY, EpochDestroyed
from ledger.errors import DatabaseUnavailableError, LedgerError
from ledger.forgetting.epochs import DATA_KEY_LIFETIME
from ledger.forgetting.schedule import BACKUP_TIME, DANGER, PROMISE
from ledger.ids import TenantId, milliseconds, moment
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import Epoch, EpochState, SubjectKey
from ledger.storage.tenancy import SystemSession

BATCH = 256
"""Subjects that move in one transaction: a few milliseconds."""


class Tell(Protocol):
    """Where progress is said: a logger's method."""

    def __call__(self, event: str, **facts: int) -> object: ...


@dataclass(frozen=True)
class RewrappingStatus:
    """Of all tenants together."""

    waiting: int = 0
    """Subjects that an ended epoch still wraps."""

    oldest: int | None = None
    """When the oldest epoch that is not destroyed began, Unix milliseconds."""


class Rewrapping:
    """Brings every tenant's epochs to their end. Safe to call from many threads; rounds take turns."""

    def __init__(self, ledger: Ledger, database: Database, clock: Clock, lifetime: timedelta, tell: Tell) -> None:
        self._ledger, self._database, self._clock = ledger, database, clock
        self._lifetime, self._tell = lifetime, tell
        self._one = threading.Lock()
        self.status = RewrappingStatus()
        """As of the last batch; replaced whole."""

    def round(self, pause: Callable[[], bool]) -> None:
        """Do what is due. `pause` is called between steps and batches, and ends the round by answering True.

        Raises KeyStoreUnavailableError, DatabaseUnavailableError; what else is wrong with one tenant, as KeysError or
        LedgerError, once the others are served.
        """
        with self._one:
            self._look()
            failed = self._steps(pause)
            self._look()
        if failed is not None:
            raise failed

    def age(self) -> timedelta:
        """Of the oldest epoch that is not destroyed."""
        oldest = self.status.oldest
        return timedelta(0) if oldest is None else self._clock() - moment(oldest)

    def danger(self) -> str:
        """Why erased keys may outlive the promise in backups; empty while they cannot."""
        age = self.age()
        if age < DANGER:
            return ""
        return (
            f"a key epoch began {age.days} days ago and is not destroyed: keys erased since then may open in backups "
            f"for longer than {PROMISE.days} days; housekeeping ends it by itself unless the log says what it lacks"
        )

    def _steps(self, pause: Callable[[], bool]) -> KeysError | LedgerError | None:
        failed: KeysError | LedgerError | None = None
        for step in self._due(pause):
            try:
                step()
            except (KeyStoreUnavailableError, DatabaseUnavailableError):
                raise
            except (KeysError, LedgerError) as error:
                failed = failed or error
            if pause():
                break
        return failed

    def _due(self, pause: Callable[[], bool]) -> Iterator[Callable[[], object]]:
        """Steps, looked up as late as possible: each kind sees what the one before has done."""
        for (tenant,) in self._across(self._aged()):
            yield partial(self._ledger.epochs.advance, tenant)
        self._look()
        for tenant, survivors in self._across(_SURVIVORS):
            yield partial(self._rewrap, tenant, survivors, pause)
        for tenant, last in self._across(self._ended()):
            yield partial(self._destroy, tenant, last + 1)

    def _aged(self) -> Executable:
        """Tenants whose open epoch has lasted long enough."""
        begun = milliseconds(self._clock() - self._lifetime)
        return select(Epoch.tenant_id).where(Epoch.state == EpochState.OPEN, Epoch.opened_at <= begun)

    def _ended(self) -> Executable:
        """Tenants with the newest of their epochs that may be destroyed. Whoever read an epoch's number while it was
        open has wrapped under it, or given up, before the next one is an hour old.
        """
        now, following = self._clock(), aliased(Epoch)
        begun = milliseconds(now - self._lifetime - BACKUP_TIME)
        return (
            select(Epoch.tenant_id, func.max(Epoch.number))
            .join(following, (following.tenant_id == Epoch.tenant_id) & (following.state == EpochState.OPEN))
            .where(Epoch.state == EpochState.CLOSED, Epoch.opened_at <= begun)
            .where(following.opened_at <= milliseconds(now - DATA_KEY_LIFETIME))
            .group_by(Epoch.tenant_id)
        )

    def _rewrap(self, tenant: TenantId, survivors: int, pause: Callable[[], bool]) -> None:
        moved = 0
        while batch := self._ledger.subjects.rewrap_batch(tenant, BATCH):
            if not moved:  # and so not at every round in which nothing can
                self._tell("re-wrapping begins", subjects=survivors)
            moved += batch
            self.status = replace(self.status, waiting=max(0, self.status.waiting - batch))
            if pause():
                break
        # Until then older pages hold what was overwritten.
        self._database.truncate_wal()
        self._tell("re-wrapping ends", subjects=moved)

    def _destroy(self, tenant: TenantId, before: int) -> None:
        self._ledger.epochs.destroy(tenant, before)
        system, actor = self._ledger.subjects.system(tenant), self._ledger.system_principal(tenant)
        draft = self._ledger.draft(EPOCH_DESTROYED.name, POLICY, actor, system, EpochDestroyed(before))

        def work(connection: Connection) -> Sequence[Draft]:
            return [draft] if self._ledger.epochs.mark_destroyed(connection, tenant, before) else []

        self._ledger.record(work, tenant)
        self._tell("epoch destroyed")

    def _look(self) -> None:
        oldest = select(func.min(Epoch.opened_at)).where(Epoch.state != EpochState.DESTROYED)
        waiting = sum(survivors for _, survivors in self._across(_SURVIVORS))
        self.status = RewrappingStatus(waiting, self._across(oldest)[0][0])

    def _across(self, statement: Executable) -> Sequence[Any]:
        with self._database.read(SystemSession.REWRAPPING) as connection:
            return connection.execute(statement).all()


_SURVIVORS = (
    select(Epoch.tenant_id, func.count(SubjectKey.id))
    .join(SubjectKey, (SubjectKey.tenant_id == Epoch.tenant_id) & (SubjectKey.epoch == Epoch.number))
    .where(Epoch.state == EpochState.CLOSED)
    .group_by(Epoch.tenant_id)
)
"""Tenants with subjects under ended epochs, and how many: read from the index, quick when there are none."""
