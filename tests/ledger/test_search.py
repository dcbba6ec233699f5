"""Public entries by kind, policy and time: every match and nothing else, held to a plain walk over the log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy import event as engine_event

from ledger.entry import Entry, entry_milliseconds, parse_entry
from ledger.errors import NotProvenError, SearchRefusedError, TileError
from ledger.publishing import search as searching
from ledger.publishing.search import Cursor, Page, Query
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tables import KindTile
from ledger.storage.tenancy import SystemSession
from ledger.tree.tiles import WIDTH
from tests.ledger.publishing import prove
from tests.ledger.world import ACTOR, LONG, NoteWritten, World, running, tampering

ENTRIES = 700
RARE = "notes@2"
RARE_AT = (5, 300, 301, 699)
"""Where the rare policy is used, and nowhere else."""


@dataclass(frozen=True)
class Log:
    world: World
    entries: list[Entry]

    def meant(self, query: Query, size: int) -> list[int]:
        """What a search must find, by looking at everything."""
        return [
            index
            for index, entry in enumerate(self.entries[:size])
            if (not query.kind or entry.kind == query.kind)
            and (not query.policy or entry.policy == query.policy)
            and (query.begins is None or entry_milliseconds(entry) >= query.begins)
            and (query.ends is None or entry_milliseconds(entry) < query.ends)
        ]

    def pages(self, query: Query, limit: int = 100) -> list[Page]:
        cursor: Cursor | None = None
        found: list[Page] = []
        while not found or cursor:
            found.append(self.world.ledger.search(query, cursor, limit))
            cursor = found[-1].next
        return found


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Entries some seconds apart, several at a time."""
    with running(tmp_path_factory.mktemp("search") / "log.db", interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        system, chance = world.ledger.subjects.system(tenant), random.Random(7)
        index = 1
        while index < ENTRIES:
            several = range(index, min(index + chance.choice((1, 10, 20)), ENTRIES))
            drafts = [
                world.ledger.draft(
                    "note.written", RARE if at in RARE_AT else "notes@1", ACTOR, system, NoteWritten("x")
                )
                for at in several
            ]
            world.ledger.record(lambda _, drafts=drafts: drafts, tenant)  # type: ignore[misc]  # lambda default
            world.clock.move(timedelta(seconds=chance.choice((0, 1, 3))))
            index = several.stop
        prove(world)
        with world.database.read(SystemSession.VERIFICATION) as connection:
            rows = connection.execute(select(EntryRow.data).order_by(EntryRow.index)).scalars()
            yield Log(world, [parse_entry(data) for data in rows])


def spans(log: Log) -> list[tuple[int | None, int | None]]:
    times = [entry_milliseconds(entry) for entry in log.entries]
    chance = random.Random(11)
    edges = [None, 0, times[0], times[-1], times[-1] + 1, *chance.sample(times, 3)]
    return [(None, None), *((chance.choice(edges), chance.choice(edges)) for _ in range(12))]


@pytest.mark.parametrize(
    ("kind", "policy"),
    [("", ""), ("note.written", ""), ("", RARE), ("note.written", RARE), ("tenant.created", ""), ("no.such", "")],
)
def test_every_match_and_nothing_else(log: Log, kind: str, policy: str) -> None:
    for begins, ends in spans(log):
        query = Query(kind, policy, begins, ends)
        pages = log.pages(query)
        found = [one for page in pages for one in page.entries]
        assert [one.index for one in found] == log.meant(query, ENTRIES)
        assert all(one.entry == log.entries[one.index] for one in found)


def test_pages_join_and_each_is_complete(log: Log) -> None:
    query = Query("note.written")
    pages = log.pages(query, 37)
    assert [page.end for page in pages[:-1]] == [page.first for page in pages[1:]]
    assert (pages[0].first, pages[-1].end) == (0, ENTRIES)
    for page in pages:
        meant = [index for index in log.meant(query, ENTRIES) if page.first <= index < page.end]
        assert [one.index for one in page.entries] == meant
        assert len(meant) <= 37
        assert page.size == ENTRIES


def test_a_rare_match_costs_its_tiles_alone(log: Log) -> None:
    statements: list[str] = []
    engine = log.world.database.backend.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine_event.listen(engine, "before_cursor_execute", note)
    try:
        log.pages(Query(policy=RARE))
    finally:
        engine_event.remove(engine, "before_cursor_execute", note)
    read = [statement for statement in statements if "FROM entry" in statement]
    assert len(read) == len({index // WIDTH for index in RARE_AT}), "it reads more than the tiles that hold a match"


def test_a_page_reads_few_tiles_and_goes_on(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "TILES_READ", 1)
    for query in (Query(policy=RARE), Query(kind="tenant.created"), Query()):
        pages = log.pages(query, 1000)
        assert [one.index for page in pages for one in page.entries] == log.meant(query, ENTRIES)
        assert [page.end for page in pages[:-1]] == [page.first for page in pages[1:]]
    assert len(log.pages(Query(policy=RARE))) == 3


def test_a_search_speaks_of_one_checkpoint_however_the_log_grows(tmp_path: Path) -> None:
    with running(tmp_path / "log.db", interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        with pytest.raises(NotProvenError):
            world.ledger.search(Query())
        system = world.ledger.subjects.system(tenant)
        for text_ in "abc":
            world.write_note(tenant, text_, system)
        prove(world)
        begun = world.ledger.search(Query("note.written"), limit=2)
        world.write_note(tenant, "later", system)
        assert world.ledger.search(Query()).size == 4, "nothing that no checkpoint covers is told"
        prove(world)
        rest = world.ledger.search(Query("note.written"), begun.next, limit=2)
        assert [one.index for one in (*begun.entries, *rest.entries)] == [1, 2, 3]
        assert (begun.size, rest.size, rest.next) == (4, 4, None)
        assert world.ledger.search(Query("note.written")).size == 5
        with pytest.raises(SearchRefusedError, match="begin anew"):
            world.ledger.search(Query(), Cursor(6, 0))


@pytest.mark.parametrize("other", ["", "7", "7.", ".7", "-1.2", "1.2.3", "1e3.0", "\u0663.\u0661", "1" * 16 + ".0"])
def test_what_is_no_cursor_is_refused(other: str) -> None:
    assert Cursor.parse(str(Cursor(12, 7))) == Cursor(12, 7)
    with pytest.raises(SearchRefusedError):
        Cursor.parse(other)


def test_a_missing_entry_is_told_and_not_passed_over(tmp_path: Path) -> None:
    with running(tmp_path / "log.db", interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        for text_ in "abc":
            world.write_note(tenant, text_)
        prove(world)
        with tampering(world.database) as connection:
            connection.execute(delete(EntryRow).where(EntryRow.index == 2))
        with pytest.raises(TileError, match="sigillo ledger verify"):
            world.ledger.search(Query("note.written"))


def test_the_index_is_of_tiles(log: Log) -> None:
    with log.world.database.read(SystemSession.VERIFICATION) as connection:
        rows = connection.execute(select(KindTile.kind, KindTile.policy, KindTile.n)).all()
    assert {(*row,) for row in rows} == {(e.kind, e.policy, i // WIDTH) for i, e in enumerate(log.entries)}
    assert len(rows) == 7
