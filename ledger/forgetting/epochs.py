"""Epochs: the tenant's data keys, one open at a time, held in memory for at most an hour.

Rules
- Whoever runs a ledger calls `forget` every few seconds: a key that nobody asks for must not outlive its time.
- Subjects are wrapped only under the open epoch; `Subjects.insert` checks it inside the unit of work.
- An epoch is destroyed only when it is closed and no subject is wrapped under it: the key store first, then
  the row with its ledger entry, so that neither ever claims more than is true. `ledger.rewrapping` knows when.
- Changing a tenant's epochs is serialised here; the store of keys and the rows cannot share a transaction.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select, update

from keys.clock import Clock
from keys.signer import EpochKey, KeyStore
from ledger.errors import EpochInUseError, SubjectErasedError
from ledger.ids import TenantId, milliseconds
from ledger.storage.database import Database
from ledger.storage.tables import Epoch, EpochState, SubjectKey

_CHANGING = "epochs"
DATA_KEY_LIFETIME = timedelta(minutes=55)
"""How long an opened data key is used; the rest of the hour that `docs/privacy.md` allows is for forgetting it."""


_CURRENT = select(Epoch.number).where(Epoch.tenant_id == bindparam("tenant"), Epoch.state == EpochState.OPEN)
_STATE = select(Epoch.state).where(Epoch.tenant_id == bindparam("tenant"), Epoch.number == bindparam("epoch"))


@dataclass(frozen=True)
class _Held:
    key: bytes = field(repr=False)
    until: datetime


class Epochs:
    """The epochs of every tenant."""

    def __init__(self, database: Database, keys: KeyStore, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._guard = threading.Lock()
        self._held: dict[tuple[TenantId, int], _Held] = {}
        """Data keys in memory; guarded by `_guard`."""

    def begin(self, tenant: TenantId) -> EpochKey:
        """Begin an epoch in the key store; `insert` makes it open. Raises KeyStoreUnavailableError."""
        self._keys.advance_epoch(tenant)
        epoch = self._keys.open_epoch(tenant)
        self._hold(tenant, epoch)
        return epoch

    def insert(self, connection: Connection, tenant: TenantId, epoch: EpochKey) -> None:
        """Make it the tenant's open epoch and close the one before."""
        was_open = (Epoch.tenant_id == tenant, Epoch.state == EpochState.OPEN)
        connection.execute(update(Epoch).where(*was_open).values(state=EpochState.CLOSED))
        row = {
            "tenant_id": tenant,
            "number": epoch.number,
            "wrapped": epoch.wrapped,
            "state": EpochState.OPEN,
        }
        connection.execute(insert(Epoch), row | {"opened_at": milliseconds(self._clock())})

    def advance(self, tenant: TenantId) -> int:
        """Close the open epoch and open the next; its number. Raises KeyStoreUnavailableError."""
        with self._database.alone(_CHANGING):
            # Cut short before its row, an earlier attempt left the key store one epoch ahead: that one will do.
            epoch = self._keys.open_epoch(tenant)
            if epoch.number > self.current(tenant):
                self._hold(tenant, epoch)
            else:
                epoch = self.begin(tenant)
            self._database.write(lambda connection: self.insert(connection, tenant, epoch))
        return epoch.number

    def destroy(self, tenant: TenantId, before: int) -> None:
        """Destroy every epoch below `before` in the key store: what was wrapped under them is dead, in every backup
        too. Repeatable; `mark_destroyed` says so in the rows.

        Raises EpochInUseError while one is open or still wraps subjects, KeyStoreUnavailableError.
        """
        with self._database.alone(_CHANGING):
            self._check_unused(tenant, before)
            self._keys.destroy_epochs(tenant, before)
            with self._guard:
                for key in [key for key in self._held if key[0] == tenant and key[1] < before]:
                    del self._held[key]

    def mark_destroyed(self, connection: Connection, tenant: TenantId, before: int) -> bool:
        """Say in a unit of work that they are destroyed; whether it was not said before."""
        doomed = (Epoch.tenant_id == tenant, Epoch.number < before, Epoch.state == EpochState.CLOSED)
        return connection.execute(update(Epoch).where(*doomed).values(state=EpochState.DESTROYED)).rowcount > 0

    def current(self, tenant: TenantId) -> int:
        """The number of the tenant's open epoch. Raises SubjectErasedError when the tenant has none."""
        row = self._database.look(tenant, _CURRENT, {"tenant": tenant})
        if row is None:
            raise SubjectErasedError(f"tenant {tenant} has no open epoch: it was never set up")
        number: int = row["number"]
        return number

    def is_open(self, connection: Connection, tenant: TenantId, number: int) -> bool:
        """Whether subjects may be wrapped under it now."""
        return connection.execute(_STATE, {"tenant": tenant, "epoch": number}).scalar() == EpochState.OPEN

    def key(self, tenant: TenantId, number: int) -> bytes:
        """The epoch's 32-byte data key, from memory or the key store.

        Raises EpochDestroyedError, KeyStoreUnavailableError; SubjectErasedError for an epoch that never was.
        """
        with self._guard:
            held = self._held.get((tenant, number))
        if held is not None and self._clock() < held.until:
            return held.key
        with self._database.read(tenant) as connection:
            wrapped = connection.execute(
                select(Epoch.wrapped).where(Epoch.tenant_id == tenant, Epoch.number == number)
            ).scalar()
        if wrapped is None:
            raise SubjectErasedError(f"tenant {tenant} has no epoch {number}")
        return self._hold(tenant, self._keys.open_epoch(tenant, wrapped))

    def forget(self) -> None:
        """Drop the data keys whose time in memory is over."""
        now = self._clock()
        with self._guard:
            self._held = {key: held for key, held in self._held.items() if now < held.until}

    def _hold(self, tenant: TenantId, epoch: EpochKey) -> bytes:
        with self._guard:
            self._held[tenant, epoch.number] = _Held(epoch.key, self._clock() + DATA_KEY_LIFETIME)
        return epoch.key

    def _check_unused(self, tenant: TenantId, before: int) -> None:
        still_open = select(func.count(Epoch.number)).where(
            Epoch.tenant_id == tenant, Epoch.number < before, Epoch.state == EpochState.OPEN
        )
        wrapped = select(func.count(SubjectKey.id)).where(SubjectKey.tenant_id == tenant, SubjectKey.epoch < before)
        with self._database.read(tenant) as connection:
            if connection.execute(still_open).scalar_one():
                raise EpochInUseError(f"an epoch below {before} is still open: advance first", survivors=0)
            survivors = connection.execute(wrapped).scalar_one()
        if survivors:
            raise EpochInUseError(f"{survivors} subjects are wrapped below epoch {before}: re-wrap first", survivors)
