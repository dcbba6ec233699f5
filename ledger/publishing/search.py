"""Search of the public entries by kind, policy and time, as far as a checkpoint reaches.

Rules
- An answer is every match in a range of indexes, and says which range, of a log of which size: whoever has the audit
  bundle of that range can see that nothing was left out.
- Time never decreases along the log, so a span of time is a range of indexes, found by halving.
- For kinds and policies there is an index with the grain of a tile, which the integrator keeps as it keeps tiles: who
  appends pays nothing for it, and a search reads the tiles alone that hold a match.
- A cursor names the log's size, too: all pages of a search speak of one checkpoint, however the log grows meanwhile.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from sqlalchemy import Connection, bindparam, insert, select

from ledger.entry import Entry, entry_milliseconds, parse_entry
from ledger.errors import NotProvenError, SearchRefusedError, TileError
from ledger.publishing.publication import PLAIN, Publication
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tables import KindTile
from ledger.tree.tiles import WIDTH

PAGE = 100
"""Matches in one answer, at most."""

TILES_READ = 64
"""Tiles, of 256 entries each, that one answer reads at most: a page may end with fewer matches and go on."""

_WINDOW = (
    select(EntryRow.data)
    .where(EntryRow.index >= bindparam("first"), EntryRow.index < bindparam("end"))
    .order_by(EntryRow.index)
)
_STORED = select(KindTile.kind, KindTile.policy, KindTile.n).where(KindTile.n >= bindparam("first"))
_CLASS = re.compile(rb'"kind":"([^"]+)","policy":"([^"]+)"')
"""Canonical members are sorted: these two are neighbours."""

_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})")


@dataclass(frozen=True)
class Query:
    """Which entries; what is left out does not matter."""

    kind: str = ""
    policy: str = ""
    begins: int | None = None
    """Unix milliseconds, inclusive."""

    ends: int | None = None
    """Exclusive."""

    @cached_property
    def members(self) -> tuple[bytes, ...]:
        """What every entry meant has in its bytes. Values hold no quotes, so that no other member looks like these."""
        wanted = {"kind": self.kind, "policy": self.policy}
        return tuple(f'"{name}":"{value}"'.encode() for name, value in wanted.items() if value)


@dataclass(frozen=True)
class Cursor:
    """Where a search goes on: at `index`, in the log as it was with `size` entries."""

    size: int
    index: int

    def __str__(self) -> str:
        return f"{self.size}.{self.index}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SearchRefusedError."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise SearchRefusedError("this is no cursor: send back `next` of the page before, or leave it out")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Indexed:
    """An entry and where it stands in the log."""

    index: int
    entry: Entry


@dataclass(frozen=True)
class Page:
    """Every match among the entries [first, end) of a log of `size`."""

    entries: tuple[Indexed, ...]
    first: int
    end: int
    size: int
    next: Cursor | None
    """None when the search is over."""


def search(
    connection: Connection,
    query: Query,
    cursor: Cursor | None = None,
    limit: int = PAGE,
    publication: Publication = PLAIN,
) -> Page:
    """The next page. Raises NotProvenError before the first checkpoint, SearchRefusedError for the cursor of a larger
    log, TileError where an entry is missing.
    """
    proven = publication.size(connection)
    size = cursor.size if cursor else proven
    if not proven:
        raise NotProvenError("nothing can be searched yet: no checkpoint has been signed")
    if size > proven:
        raise SearchRefusedError(f"this cursor is of a log of {size} entries, and this one has {proven}: begin anew")
    first, end = _span(connection, query, size)
    first = max(first, cursor.index) if cursor else first
    first = min(first, end)
    tiles = _tiles(connection, query, first, end)
    stop = tiles[TILES_READ] * WIDTH if len(tiles) > TILES_READ else end
    found: list[Indexed] = []
    for n in tiles[:TILES_READ]:
        found += _matches(connection, query, max(first, n * WIDTH), min(stop, (n + 1) * WIDTH))
        if len(found) > limit:
            stop = found[limit].index
            break
    return Page(tuple(found[:limit]), first, stop, size, Cursor(size, stop) if stop < end else None)


def store_kinds(connection: Connection, first: int, entries: Iterable[bytes]) -> None:
    """Index entries from index `first` on; those that are no entries are `ledger.audit`'s to find."""
    seen = {
        (found[1].decode(), found[2].decode(), index // WIDTH)
        for index, data in enumerate(entries, first)
        if (found := _CLASS.search(data))
    }
    stored = connection.execute(_STORED, {"first": first // WIDTH})
    fresh = seen - {(row.kind, row.policy, row.n) for row in stored}
    if fresh:
        rows = [{"kind": kind, "policy": policy, "n": n} for kind, policy, n in sorted(fresh)]
        connection.execute(insert(KindTile), rows)


def _span(connection: Connection, query: Query, size: int) -> tuple[int, int]:
    """The indexes [first, end) of the query's span of time."""

    def time_at(index: int) -> int:
        return entry_milliseconds(parse_entry(_entries(connection, index, index + 1)[0]))

    def at(moment: int | None, unbounded: int) -> int:
        return unbounded if moment is None else bisect_left(range(size), moment, key=time_at)

    return at(query.begins, 0), at(query.ends, size)


def _tiles(connection: Connection, query: Query, first: int, end: int) -> Sequence[int]:
    """Numbers of the tiles that hold a match, one more than are read at most."""
    window = range(first // WIDTH, -(-end // WIDTH))
    if not (query.kind or query.policy):
        return window[: TILES_READ + 1]
    wanted = [KindTile.n >= window.start, KindTile.n < window.stop]
    wanted += [KindTile.kind == query.kind] if query.kind else []
    wanted += [KindTile.policy == query.policy] if query.policy else []
    tiles = select(KindTile.n).where(*wanted).distinct().order_by(KindTile.n).limit(TILES_READ + 1)
    return connection.execute(tiles).scalars().all()


def _matches(connection: Connection, query: Query, first: int, end: int) -> Iterator[Indexed]:
    for index, data in enumerate(_entries(connection, first, end), first):
        if all(member in data for member in query.members):
            yield Indexed(index, parse_entry(data))


def _entries(connection: Connection, first: int, end: int) -> Sequence[bytes]:
    found = connection.execute(_WINDOW, {"first": first, "end": end}).scalars().all()
    if len(found) != end - first:
        raise TileError(f"an entry from {first} to {end - 1} is missing: run `sigillo ledger verify`")
    return found
