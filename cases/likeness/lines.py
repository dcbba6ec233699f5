"""The lines of a registered person's own log: when, which kind of caller, what came of it; nothing of what was shown.

Rules
- A line is sealed under the registration's key, so withdrawing ends it. It says neither how sure a match was nor who
  asked; who asked is an HMAC beside it, by which rates are counted.
- A line is no entry (ADR 0023): it names the entry of the decision that it tells of.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, update

from cases.likeness.tables import MatchRow
from cases.likeness.use import Use
from keys.clock import Entropy
from keys.sealing import derive, seal, unseal
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, new_id

KEPT: Final = timedelta(days=365)


class Caller(StrEnum):
    """Which kind of caller brought a file."""

    TOOL = "creation_tool"
    """Before it made something of it."""

    UPLOADER = "uploader"
    """To have it signed."""


class Decision(StrEnum):
    """What a reviewer decided afterwards of what is held for somebody."""

    RELEASED = "released"
    """It is given out."""

    REFUSED = "refused"
    """It stays held."""


class Outcome(StrEnum):
    """What came of it."""

    REFUSED = "refused"
    """A tool was told not to."""

    ASKED = "ask_a_human"
    """A tool was told to have a person decide."""

    ALLOWED = "allowed"
    """A tool was told that it may: the person does not refuse that use."""

    HELD = "held"
    """An upload, made or altered, is not given out."""

    NOTED = "noted"
    """Nothing: a photograph; or it may well be somebody else."""


@dataclass(frozen=True)
class Line:
    """What is sealed."""

    caller: Caller
    outcome: Outcome
    use: Use
    entry: EntryId
    """Of the decision."""

    hold: str = ""
    """Which the person may release; empty where nothing is held for them."""

    asset: str = ""
    """What is held. Empty of everything else: a person's photographs are not listed here."""


_LINE = TypeAdapter(Line)


def line_row(person: Subject, line: Line, asker: str, now: int, entropy: Entropy, about: str = "") -> dict[str, Any]:
    """A row, made before the unit of work. Of all lines `about` one thing there can be one: its id follows from it."""
    name = new_id("lkm", _following_from(person, about) if about else entropy)
    sealed = seal(person.key, _LINE.dump_json(line), _bound(person, name), entropy)
    row = {"tenant_id": person.tenant, "id": name, "registration_id": person.id, "asker": asker, "at": now}
    return row | {"sealed": sealed}


def _following_from(person: Subject, about: str) -> Entropy:
    named = hmac.digest(derive(person.key, "likeness/v1/line"), about.encode(), "sha256")
    return lambda size: named[:size]


def open_line(person: Subject, name: str, sealed: bytes) -> Line:
    """Raises SealBrokenError."""
    return _LINE.validate_json(unseal(person.key, sealed, _bound(person, name)))


def asker_of(system: Subject, principal: PrincipalId) -> str:
    """By what a principal's matches are counted, under the tenant's system subject."""
    return hmac.digest(derive(system.key, "likeness/v1/asker"), principal.encode(), "sha256").hex()


def decided(
    connection: Connection, tenant: TenantId, lines: Collection[str], decision: Decision, entry: EntryId, now: int
) -> None:
    """In the unit of work of a reviewer's decision: those for whom the asset was held see it."""
    told = update(MatchRow).where(MatchRow.tenant_id == tenant, MatchRow.id.in_(sorted(lines)))
    connection.execute(told.values(decision=decision, decided_at=now, decision_entry_id=entry))


def end_lines(connection: Connection, tenant: TenantId, person: SubjectId) -> None:
    """In the unit of work that destroys a registration's key."""
    connection.execute(delete(MatchRow).where(MatchRow.tenant_id == tenant, MatchRow.registration_id == person))


def forget_lines(connection: Connection, now: int) -> None:
    """Drop lines of a year ago; bookkeeping."""
    connection.execute(delete(MatchRow).where(MatchRow.at <= now - KEPT // timedelta(milliseconds=1)))


def _bound(person: Subject, name: str) -> bytes:
    return f"likeness-match/v1/{person.tenant}/{person.id}/{name}".encode()
