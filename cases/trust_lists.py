"""The trust lists of this deployment: kept in the database, changed on record, in force without a restart.

Rules
- A list and the entry that says what it changed commit together. Rows are only added: the list that an earlier report
  names by its digest is still there.
- Whoever changes a list has seen what that changes: they name the list that they compared it with.
- Every process looks for changes once a second at most. While the database cannot be asked, what is known serves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from cases.access import Caller, require_alive
from cases.decisions import TRUST_POLICY, TRUST_UPDATED, TrustUpdated
from cases.errors import TrustListChangedError, TrustListNotFoundError
from keys.clock import Clock
from ledger.errors import DatabaseUnavailableError
from ledger.ids import EntryId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import TENANT, Base
from ledger.storage.tenancy import SystemSession
from provenance.trust_list import Changes, ListName, TrustList, changes, read, require_newer

LOOK_SECONDS: Final = 1.0


class TrustListRow(Base):
    """A list as it was from one change to the next; of the home tenant. One that was dropped has no digest."""

    __tablename__ = "trust_list"
    __table_args__ = ({"info": {**TENANT, "appended": True}},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    issued: Mapped[str]
    next_update: Mapped[str]
    digest: Mapped[str]
    anchors: Mapped[str]
    changed_at: Mapped[int]
    entry_id: Mapped[EntryId]


@dataclass(frozen=True)
class Comparison:
    """What a list would change, or did."""

    list: TrustList | None
    """None where it is dropped."""

    replaces: str
    """The digest of the one in force; empty for none."""

    changes: Changes
    entry: EntryId | None = None
    """Once it is done."""


@dataclass
class TrustLists:
    """Safe to use from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock
    development: bool
    """Whether development CAs may be on them."""

    timer: Callable[[], float] = time.monotonic
    _looked: float | None = field(default=None, init=False)
    _seen: int = field(default=0, init=False)
    _held: tuple[TrustList, ...] = field(default=(), init=False)
    """Replaced whole, by whoever holds `_looking`."""

    _looking: threading.Lock = field(default_factory=threading.Lock, init=False)

    def in_force(self) -> tuple[TrustList, ...]:
        """By name. Raises DatabaseUnavailableError where none were ever read."""
        if self._looked is None or self.timer() - self._looked >= LOOK_SECONDS:
            with self._looking:
                self._look()
        return self._held

    def warning(self) -> str:
        """Which lists are older than their publishers meant them to become; empty where none is. Raises
        DatabaseUnavailableError.
        """
        now = self.clock()
        late = [(one, now - due) for one in self.in_force() if (due := _due(one)) and due < now]
        return "; ".join(
            f"the trust list {one.name} is old: its publisher meant to publish the next one {since.days} days ago, on "
            f"{one.next_update[:10]}; get it, and put it in force with `sigillo trust update`"
            for one, since in late
        )

    def compare(self, name: ListName, text: str, dated: datetime | None) -> Comparison:
        """What it would change; nothing is kept. Raises TrustListError, TrustPolicyError."""
        found = read(name, text, dated, self.clock(), development=self.development)
        present = self._present(name)
        require_newer(present, found)
        return Comparison(found, present.digest if present else "", changes(present, found))

    def update(self, by: Caller, name: ListName, text: str, dated: datetime | None, replaces: str) -> Comparison:
        """Put a list in force; `replaces` is the digest of the one it was compared with, empty for none.

        Raises TrustListError, TrustPolicyError, TrustListChangedError.
        """
        compared = self.compare(name, text, dated)
        assert compared.list is not None
        return self._change(by, name, compared, replaces)

    def drop(self, by: Caller, name: ListName, replaces: str) -> Comparison:
        """Trust nobody for being on this list any more. Raises TrustListNotFoundError, TrustListChangedError."""
        present = self._present(name)
        if present is None:
            raise TrustListNotFoundError(name)
        return self._change(by, name, Comparison(None, present.digest, changes(present, None)), replaces)

    def find(self, name: ListName) -> TrustList:
        """The list in force. Raises TrustListNotFoundError."""
        found = next((one for one in self.in_force() if one.name is name), None)
        if found is None:
            raise TrustListNotFoundError(name)
        return found

    def _change(self, by: Caller, name: ListName, compared: Comparison, replaces: str) -> Comparison:
        if compared.replaces != replaces:
            raise TrustListChangedError(name)
        now, system = milliseconds(self.clock()), self.ledger.subjects.system(by.tenant)
        draft = self.ledger.draft(TRUST_UPDATED.name, TRUST_POLICY, by.principal, system, _said(name, compared))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            number, rows = _rows(connection, by.tenant)
            if next((one.digest for one in rows if one.name is name), "") != replaces:
                raise TrustListChangedError(name)
            connection.execute(insert(TrustListRow), _row(by.tenant, number + 1, name, compared.list, now, draft.id))
            return [draft]

        try:
            self.ledger.record(work, by.tenant)
        except IntegrityError as error:  # somebody else's change came before
            raise TrustListChangedError(name) from error
        with self._looking:
            self._look()
        return Comparison(compared.list, compared.replaces, compared.changes, draft.id)

    def _present(self, name: ListName) -> TrustList | None:
        with self.database.read(SystemSession.TRUST) as connection:
            _, rows = _rows(connection)
        return next((one for one in rows if one.name is name), None)

    def _look(self) -> None:
        """What there is; what was read before where the database cannot be asked now."""
        try:
            with self.database.read(SystemSession.TRUST) as connection:
                newest = connection.execute(select(func.max(TrustListRow.number))).scalar() or 0
                if newest != self._seen or self._looked is None:
                    self._seen, self._held = _rows(connection)
        except DatabaseUnavailableError:
            if self._looked is None:
                raise
        self._looked = self.timer()


def _due(found: TrustList) -> datetime | None:
    return datetime.fromisoformat(found.next_update) if found.next_update else None


def _rows(connection: Connection, tenant: TenantId | None = None) -> tuple[int, tuple[TrustList, ...]]:
    """The number of the last change, and the lists in force by name."""
    statement = select(TrustListRow.__table__).order_by(TrustListRow.number)
    if tenant is not None:
        statement = statement.where(TrustListRow.tenant_id == tenant)
    number, last = 0, {}
    for row in connection.execute(statement).mappings():
        number = row["number"]
        last[row["name"]] = row
    lists = (
        TrustList(ListName(row["name"]), row["issued"], row["next_update"], row["digest"], row["anchors"])
        for row in last.values()
        if row["digest"]
    )
    return number, tuple(sorted(lists, key=lambda one: one.name))


def _row(
    tenant: TenantId, number: int, name: ListName, made: TrustList | None, now: int, entry: EntryId
) -> dict[str, object]:
    said = {part: getattr(made, part) if made else "" for part in ("issued", "next_update", "digest", "anchors")}
    return {"tenant_id": tenant, "number": number, "name": name, **said, "changed_at": now, "entry_id": entry}


def _said(name: ListName, compared: Comparison) -> TrustUpdated:
    made = compared.list
    return TrustUpdated(
        list=name,
        issued=made.issued if made else "",
        digest=made.digest if made else "",
        replaces=compared.replaces,
        added=compared.changes.added,
        removed=compared.changes.removed,
        warnings=made.warnings if made else (),
    )
