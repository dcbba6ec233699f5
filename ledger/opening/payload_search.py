"""Search of payloads: by actor and by what their kinds can be searched by, through logged openings.

Rules
- One call makes one opening, which names all that it looked through, whether it matched or not.
- A call looks through `MAX_OPENED` of the tenant's payloads at most, and goes on by its cursor. Only kinds that can
  match are opened.
- What was erased cannot be searched. It is named, so that whoever asks knows what the answer does not cover.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import SearchRefusedError
from ledger.ids import EntryId
from ledger.opening.disclosure import MAX_OPENED, Asker, Disclosures, Purpose
from ledger.payload import Disclosed
from ledger.publishing.search import Cursor, Indexed, Page, Query

ACTOR = "actor"
"""What payloads of every kind can be searched by: the principal that acted."""

PAGES = 10
"""Pages of public entries that one call goes through for the tenant's own."""


@dataclass(frozen=True)
class Match:
    """An entry whose payload matches, opened."""

    at: Indexed
    disclosed: Disclosed


@dataclass(frozen=True)
class Findings:
    """Every match among the tenant's entries of one range, but for those that were erased or do not open."""

    matches: tuple[Match, ...]
    opening: EntryId | None
    """The entry that says what was opened; None where nothing was."""

    opened: tuple[EntryId, ...]
    """All that was looked through."""

    erased: tuple[EntryId, ...]
    damaged: tuple[EntryId, ...]
    range: Page
    """The range, and where to go on; its entries are those that could match."""


def search_payloads(
    disclosures: Disclosures, asker: Asker, query: Query, wanted: Mapping[str, str], cursor: Cursor | None = None
) -> Findings:
    """Entries of the query whose payloads have all of these values, exactly.

    Raises SearchRefusedError for a kind that cannot be searched so, and as `Ledger.search` and `Disclosures.open`.
    """
    search = _Search(disclosures, asker, query, wanted)
    page, kept = search.gather(cursor)
    at = {one.entry.id: one for one in page.entries}
    opening = disclosures.open(asker, kept, Purpose.SEARCH, wanted)
    matches = tuple(Match(at[one.entry], one) for one in opening.opened if search.fits(at[one.entry], one))
    opened = tuple(one.entry for one in opening.opened)
    return Findings(matches, opening.entry, opened, opening.erased, opening.damaged, page)


@dataclass(frozen=True)
class _Search:
    disclosures: Disclosures
    asker: Asker
    query: Query
    wanted: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.query.kind and not self._can_match(self.query.kind):
            names = ", ".join(sorted(self.wanted))
            raise SearchRefusedError(f"payloads of {self.query.kind!r} cannot be searched by {names}")

    def gather(self, cursor: Cursor | None) -> tuple[Page, dict[EntryId, bool]]:
        """The tenant's entries that could match, as one page, and whether each payload is there."""
        first: int | None = None
        found: list[Indexed] = []
        kept: dict[EntryId, bool] = {}
        for _ in range(PAGES):
            page = self.disclosures.ledger.search(self.query, cursor, MAX_OPENED - len(found))
            first = page.first if first is None else first
            could = [one for one in page.entries if self._can_match(one.entry.kind)]
            kept |= self.disclosures.kept(self.asker.tenant, [one.entry.id for one in could])
            found += [one for one in could if one.entry.id in kept]
            cursor = page.next
            if cursor is None or len(found) == MAX_OPENED:
                break
        assert first is not None
        return Page(tuple(found), first, page.end, page.size, cursor), kept

    def fits(self, at: Indexed, disclosed: Disclosed) -> bool:
        """Whether an opened payload has what is wanted."""
        members = json.loads(disclosed.payload)
        return all(self._value(at.entry.kind, members, name) == value for name, value in self.wanted.items())

    def _can_match(self, kind: str) -> bool:
        return self.wanted.keys() <= {ACTOR, *self.disclosures.ledger.payloads.searched(kind)}

    def _value(self, kind: str, members: Mapping[str, Any], name: str) -> object:
        if name == ACTOR:
            return members["actor"]
        value = members["data"]
        for step in self.disclosures.ledger.payloads.searched(kind)[name]:
            value = value.get(step) if isinstance(value, dict) else None
        return value
