"""Legal holds for whoever may place them: what lies under one is neither erased nor expired (`ledger.holds`).

Rules
- Placing and releasing are entries.
- A hold covers what is there when it is placed. Releasing it ends it for everything under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import Connection, select

from cases.access import Caller, require_alive
from cases.asset import AssetId, find_row, subject_id
from cases.decisions import HOLD_PLACED, HOLD_POLICY, HOLD_RELEASED, HoldPlaced, HoldReleased
from cases.errors import HoldNotFoundError
from keys.clock import Clock
from ledger.forgetting.holds import place, release
from ledger.ids import EntryId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tables import LegalHold


@dataclass(frozen=True)
class Hold:
    """A legal hold."""

    name: str
    assets: tuple[AssetId, ...]
    placed_at: int
    """Unix milliseconds; the first time, where it was placed on more later."""


@dataclass(frozen=True)
class Holds:
    """The holds of every tenant. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock

    def place(self, by: Caller, name: str, assets: Sequence[AssetId], reason: str) -> EntryId:
        """Put the tenant's assets under a hold. Raises AssetNotFoundError, SubjectErasedError; nothing is held then."""
        now, subjects = milliseconds(self.clock()), tuple(map(subject_id, assets))
        draft = self._draft(by, HOLD_PLACED, HoldPlaced(name, subjects, reason))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            for asset in assets:
                find_row(connection, by.tenant, asset)
            place(connection, by.tenant, name, subjects, now)
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def release(self, by: Caller, name: str, reason: str) -> EntryId:
        """End a hold. Raises HoldNotFoundError."""
        draft = self._draft(by, HOLD_RELEASED, HoldReleased(name, (), reason))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            subjects = release(connection, by.tenant, name)
            if not subjects:
                raise HoldNotFoundError(name)
            return [replace(draft, payload=HoldReleased(name, tuple(subjects), reason))]

        self.ledger.record(work, by.tenant)
        return draft.id

    def all(self, by: Caller) -> list[Hold]:
        """The holds of the caller's tenant, by name."""
        rows = select(LegalHold.name, LegalHold.subject_id, LegalHold.placed_at)
        mine = rows.where(LegalHold.tenant_id == by.tenant).order_by(LegalHold.name, LegalHold.subject_id)
        with self.database.read(by.tenant) as connection:
            found = connection.execute(mine).all()
        return [
            Hold(name, tuple(AssetId(row.subject_id) for row in its), min(row.placed_at for row in its))
            for name, its in ((name, list(its)) for name, its in groupby(found, lambda row: row.name))
        ]

    def _draft(self, by: Caller, kind: Kind, payload: object) -> Draft:
        system = self.ledger.subjects.system(by.tenant)
        return self.ledger.draft(kind.name, HOLD_POLICY, by.principal, system, payload)
