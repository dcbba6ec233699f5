"""What follows from a finding: lines in people's logs, holds, an asset that is looked at again. Made before a unit of
work, and written in one.

Rules
- Held is only what is made or altered, where a match is sure and the person refuses, or where nobody could look.
- Of one asset everybody sees one line, whoever looks at it again.
- What somebody released is not held again for the same person, or for nobody again (`hold_rows.settled`); they see a
  line that says that it was noted.
- Everybody who was matched sees a line, and whose registration has ended meanwhile neither sees nor holds anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select

from cases.asset import WITH_MEDIA, AssetId, HeldFor, find_row, mark_held
from cases.likeness.decisions import HELD, HOLD_POLICY, AssetHeld
from cases.likeness.findings import Circumstances, Finding
from cases.likeness.hold_rows import NOBODY, insert_holds, settled, whose
from cases.likeness.lines import Caller, Line, Outcome, line_row
from cases.likeness.matching import Sighted, still_protecting
from cases.likeness.tables import MatchRow, UncheckedRow
from cases.likeness.use import Stance
from detection.faces.found import FACE_MODEL
from detection.templates.thresholds import THRESHOLDS
from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, new_id
from ledger.log import Ledger
from ledger.payload import Draft

FIRST_TRY: Final = timedelta(seconds=30)
"""After which an upload that could not be looked at is looked at again; twice as long each time."""


PLACE: Final = "place"
"""Why nobody looked: the rules of the place that its sender names."""


@dataclass(frozen=True)
class Arrival:
    """How an asset came here."""

    asset: Subject
    decided: EntryId
    """The entry that it was signed by."""

    asker: str
    """HMAC of its uploader (`cases.likeness.lines`)."""

    actor: PrincipalId
    found: str = "upload"
    """Or `later`."""


@dataclass(frozen=True)
class Waiting:
    """What is kept, sealed under the asset, of one that is to be looked at again."""

    circumstances: Circumstances
    decided: EntryId
    asker: str


@dataclass(frozen=True)
class Held:
    """A hold's row, and the line of whom it is for; they have another line where it is not placed."""

    hold: dict[str, Any]
    line: dict[str, Any] | None = None


@dataclass(frozen=True)
class Consequences:
    """Rows and an entry, ready to be written."""

    tenant: TenantId
    asset: AssetId
    held_for: HeldFor | None
    holds: tuple[Held, ...]
    lines: tuple[dict[str, Any], ...]
    waiting: dict[str, Any] | None
    entry: Draft
    """`asset.held`, where anything holds it."""

    def write(self, connection: Connection) -> Sequence[Draft]:
        """In the unit of work; the entries that belong to it."""
        if find_row(connection, self.tenant, self.asset)["state"] not in WITH_MEDIA:
            return []  # it ended meanwhile
        matched = {row["registration_id"] for row in self.lines}
        alive = still_protecting(connection, self.tenant, matched) - self._told(connection)
        placed = self._placed(connection, alive)
        lines = {row["id"]: row for row in self.lines if row["registration_id"] in alive}
        lines |= {one.line["id"]: one.line for one in placed if one.line}
        if lines:
            connection.execute(insert(MatchRow), list(lines.values()))
        if self.waiting is not None:
            connection.execute(insert(UncheckedRow), self.waiting)
        if not placed or self.held_for is None:
            return []
        insert_holds(connection, [one.hold for one in placed])
        mark_held(connection, self.tenant, self.asset, self.held_for)
        said = replace(self.entry.payload, holds=tuple(one.hold["id"] for one in placed))  # type: ignore[type-var]
        return [replace(self.entry, payload=said)]

    def _placed(self, connection: Connection, alive: set[SubjectId]) -> list[Held]:
        """Of those who protect yet, and of nobody; but of whom it was decided."""
        decided = settled(connection, self.tenant, self.asset)
        open_ = [one for one in self.holds if one.hold["whose"] not in decided]
        return [one for one in open_ if one.line is None or one.hold["registration_id"] in alive]

    def _told(self, connection: Connection) -> set[SubjectId]:
        """Whose log has its line about this asset: who looks again tells nobody twice."""
        lines = [row["id"] for row in self.lines]
        there = select(MatchRow.registration_id).where(MatchRow.tenant_id == self.tenant, MatchRow.id.in_(lines))
        return set(connection.execute(there).scalars())


@dataclass(frozen=True)
class Following:
    """Works out what follows."""

    ledger: Ledger
    entropy: Entropy
    hold_unchecked: bool = True
    """Whether what is made or altered is held while it cannot be looked at."""

    def of(self, finding: Finding, arrival: Arrival, now: int) -> Consequences:
        """`now` in Unix milliseconds."""
        sighted = finding.looked.sighted if finding.looked else ()
        holding = [one for one in sighted if finding.circumstances.because and _holds(one)]
        held_for = HeldFor.REVIEW if holding else self._held_unseen(finding)
        holds = [self._held(finding, arrival, one, now) for one in holding]
        if held_for and not holding:
            holds = [Held(self._hold(arrival, None, held_for, now))]
        return Consequences(
            arrival.asset.tenant,
            AssetId(arrival.asset.id),
            held_for,
            tuple(holds),
            tuple(self._line(finding, arrival, one, "", now) for one in (*sighted, *finding.copies)),
            self._waiting(finding, arrival, now) if finding.unknown else None,
            self._entry(finding, arrival, held_for),
        )

    def _held_unseen(self, finding: Finding) -> HeldFor | None:
        """Of a file that may show somebody, as far as anybody could see."""
        if not finding.circumstances.because:
            return None
        if finding.looked is None and not finding.unknown:
            return HeldFor.REVIEW  # its sender has met one person too often: no face decides any more
        unseen = finding.unknown or (finding.looked and finding.looked.unsure)
        return HeldFor.UNCHECKED if unseen and self.hold_unchecked else None

    def _held(self, finding: Finding, arrival: Arrival, one: Sighted, now: int) -> Held:
        hold = self._hold(arrival, one, HeldFor.REVIEW, now)
        line = self._line(finding, arrival, one, hold["id"], now)
        return Held(hold | {"line_id": line["id"]}, line)

    def _hold(self, arrival: Arrival, one: Sighted | None, why: HeldFor, now: int) -> dict[str, Any]:
        return {
            "tenant_id": arrival.asset.tenant,
            "id": new_id("lkh", self.entropy),
            "asset_id": arrival.asset.id,
            "registration_id": one.subject.id if one else None,
            "whose": whose(arrival.asset, one.who if one else NOBODY),
            "line_id": None,
            "ended": 0,
            "reason": why,
            "placed_at": now,
        }

    def _line(self, finding: Finding, arrival: Arrival, one: Sighted, hold: str, now: int) -> dict[str, Any]:
        outcome, use = Outcome.HELD if hold else Outcome.NOTED, finding.circumstances.use
        asset = arrival.asset.id if hold else ""
        line = Line(Caller.UPLOADER, outcome, use, arrival.decided, hold, asset)
        return line_row(one.subject, line, arrival.asker, now, self.entropy, about=arrival.asset.id)

    def _waiting(self, finding: Finding, arrival: Arrival, now: int) -> dict[str, Any]:
        kept = Waiting(finding.circumstances, arrival.decided, arrival.asker)
        sealed = seal(arrival.asset.key, _WAITING.dump_json(kept), _bound(arrival.asset), self.entropy)
        row = {"tenant_id": arrival.asset.tenant, "asset_id": arrival.asset.id, "tries": 0, "sealed": sealed}
        return row | {"next_at": now + FIRST_TRY // timedelta(milliseconds=1)}

    def _entry(self, finding: Finding, arrival: Arrival, held_for: HeldFor | None) -> Draft:
        known = finding.looked
        said = AssetHeld(
            asset=arrival.asset.id,
            reason=held_for or "",
            because=finding.circumstances.because,
            unknown=finding.unknown or (PLACE if known and known.on_word else ""),
            holds=(),
            found=arrival.found,
            thresholds=known.thresholds if known else THRESHOLDS.name,
            model=known.model if known else str(FACE_MODEL),
        )
        return self.ledger.draft(HELD.name, HOLD_POLICY, arrival.actor, arrival.asset, said)


_WAITING = TypeAdapter(Waiting)


def open_waiting(asset: Subject, sealed: bytes) -> Waiting:
    """Raises SealBrokenError."""
    return _WAITING.validate_json(unseal(asset.key, sealed, _bound(asset)))


def _holds(one: Sighted) -> bool:
    return one.sure and one.stance is not Stance.ALLOWS


def _bound(asset: Subject) -> bytes:
    return f"likeness-unchecked/v1/{asset.tenant}/{asset.id}".encode()
