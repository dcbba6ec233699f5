"""A registered person's own log: what was matched, and what they say to it.

Rules
- Each line is opened with their registration's key, for them. It shows nobody's file and names no caller.
- What a reviewer decides of what is held for them stands beside the line: what, when, by which entry; not who or why.
- *Confirmed*: it is theirs, and may be; what is held for it is held for them no longer. *Objected*: it may not be; what
  is held stays so. Either is said once, and is an entry of theirs; what becomes of the asset is one of the asset's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, and_, or_, select, update

from cases.access import Caller, require_alive
from cases.asset import AssetId, AssetState, find_row, subject_id
from cases.errors import MatchAnsweredError, MatchNotFoundError
from cases.likeness.decisions import (
    CONFIRMED,
    HOLD_POLICY,
    LOG_POLICY,
    OBJECTED,
    REFUSED,
    RELEASED,
    AssetRefused,
    AssetReleased,
    MatchAnswered,
)
from cases.likeness.hold_rows import holds_of, refuse, release
from cases.likeness.holds import require_another
from cases.likeness.lines import Decision, Line, open_line
from cases.likeness.tables import MatchRow
from keys.clock import Clock
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, TenantId, may_be_stored, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database

PAGE = 50


class Response(StrEnum):
    """What a person says to a match."""

    CONFIRMED = "confirmed"
    OBJECTED = "objected"


@dataclass(frozen=True)
class Decided:
    """What a reviewer decided, the last time."""

    decision: Decision
    at: int
    """Unix milliseconds."""

    entry: EntryId


@dataclass(frozen=True)
class Seen:
    """One line, opened."""

    id: str
    at: int
    """Unix milliseconds."""

    line: Line
    response: Response | None
    decided: Decided | None


@dataclass(frozen=True)
class MatchLog:
    """The logs of every tenant's registrations; whose one is, who calls knows. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock

    def page(self, person: Subject, before: tuple[int, str] | None = None) -> list[Seen]:
        """The newest lines, or the newest before a time and an id; PAGE at most."""
        mine = [MatchRow.tenant_id == person.tenant, MatchRow.registration_id == person.id]
        if before is not None:
            at, name = before
            mine.append(or_(MatchRow.at < at, and_(MatchRow.at == at, MatchRow.id < name)))
        rows = select(MatchRow.__table__).where(*mine).order_by(MatchRow.at.desc(), MatchRow.id.desc()).limit(PAGE)
        with self.database.read(person.tenant) as connection:
            return [_seen(person, row) for row in connection.execute(rows).mappings()]

    def respond(
        self,
        by: Caller,
        person: Subject,
        match: str,
        response: Response,
        settle: Callable[[Connection], None] = lambda _connection: None,
    ) -> EntryId:
        """What the person says to one line; the entry that says so. `settle` is called first in the unit of work.

        Raises MatchNotFoundError, MatchAnsweredError, OwnReviewError, KeyStoreUnavailableError.
        """
        with self.database.read(person.tenant) as connection:
            line = _seen(person, _row(connection, person, match)).line
        kind = CONFIRMED if response is Response.CONFIRMED else OBJECTED
        said = MatchAnswered(person.id, match, response, line.entry)
        draft = self.ledger.draft(kind.name, LOG_POLICY, by.principal, person, said)
        held = self._held(by, person.tenant, line, response)
        now = milliseconds(self.clock())

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            settle(connection)
            if held and response is Response.CONFIRMED:
                require_another(connection, by, held.asset)
            if answered := _row(connection, person, match)["response"]:
                raise MatchAnsweredError(answered)
            mine = (MatchRow.tenant_id == person.tenant, MatchRow.id == match)
            connection.execute(update(MatchRow).where(*mine).values(response=response, response_entry_id=draft.id))
            return [draft, *(held.change(connection, response, now) if held else ())]

        self.ledger.record(work, person.tenant)
        return draft.id

    def _held(self, by: Caller, tenant: TenantId, line: Line, response: Response) -> _Held | None:
        """What is held for the person by this line, if it is still there."""
        if not line.hold:
            return None
        asset = AssetId(line.asset)
        try:
            subject = self.ledger.subjects.open(tenant, subject_id(asset))
        except SubjectErasedError:
            return None
        kind, said = (
            (RELEASED, AssetReleased(asset, "registrant", ""))
            if response is Response.CONFIRMED
            else (REFUSED, AssetRefused(asset, "registrant", ""))
        )
        return _Held(tenant, asset, line.hold, self.ledger.draft(kind.name, HOLD_POLICY, by.principal, subject, said))


@dataclass(frozen=True)
class _Held:
    """A hold that a person decides, with the entry of the asset's that says what became of it."""

    tenant: TenantId
    asset: AssetId
    hold: str
    entry: Draft

    def change(self, connection: Connection, response: Response, now: int) -> Sequence[Draft]:
        """In the unit of work. An asset that others hold, too, stays held and has no entry for it."""
        if find_row(connection, self.tenant, self.asset)["state"] != AssetState.HELD:
            return []
        if self.hold not in {row["id"] for row in holds_of(connection, self.tenant, self.asset)}:
            return []
        if response is Response.OBJECTED:
            refuse(connection, self.tenant, self.asset, [self.hold], now)
            return [self.entry]
        return [self.entry] if release(connection, self.tenant, self.asset, [self.hold], now) else []


def _row(connection: Connection, person: Subject, match: str) -> RowMapping:
    mine = (
        MatchRow.tenant_id == person.tenant,
        MatchRow.registration_id == person.id,
        MatchRow.id == match,
    )
    rows = select(MatchRow.__table__).where(*mine)
    row = connection.execute(rows).mappings().one_or_none() if may_be_stored(match) else None
    if row is None:
        raise MatchNotFoundError
    return row


def _seen(person: Subject, row: RowMapping) -> Seen:
    response = Response(row["response"]) if row["response"] else None
    decision = row["decision"]
    decided = Decided(Decision(decision), row["decided_at"], EntryId(row["decision_entry_id"])) if decision else None
    return Seen(row["id"], row["at"], open_line(person, row["id"], row["sealed"]), response, decided)
