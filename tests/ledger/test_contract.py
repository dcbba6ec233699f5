"""What a ledger promises on either database."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from ledger.auditing.mirror import folder_fetch, verify_mirror
from ledger.errors import EntryNotFoundError, NestedWriteError, SubjectErasedError
from ledger.ids import EntryId, TenantId
from ledger.log import Recorded
from ledger.payload import Draft
from ledger.publishing.export import export_log
from ledger.receipt import verify_receipt
from ledger.storage.tables import Checkpoint, Cosignature, Entry, Payload, Stamp, SubjectKey, Tile
from ledger.storage.tenancy import SystemSession
from tests.databases import BOTH
from tests.ledger.world import ACTOR, FULL, LONG, NOTES, POLICY, NoteWritten, World, running

CALLERS = 6
EACH = 8


@pytest.fixture(scope="module", params=BOTH)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("contract") / "log.db", kind=request.param, waits=False) as started:
        yield started


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.ledger.create_tenant("first")


def placed(world: World, wanted: Sequence[EntryId]) -> dict[EntryId, int]:
    """Where these entries stand, once all of them do."""
    assert all(world.ledger.wait_proven(entry, LONG) for entry in wanted)
    with world.database.read(SystemSession.VERIFICATION) as connection:
        rows = connection.execute(select(Entry.id, Entry.index).where(Entry.id.in_(wanted)))
        return dict(iter(rows))


def test_what_callers_were_told_is_there_once_and_in_their_order(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)

    def call(caller: int) -> list[EntryId]:
        told: list[EntryId] = []
        for n in range(EACH):
            about = subject if n % 2 else None
            told += world.write_note(tenant, f"{caller}.{n}", about).entries
        return told

    with ThreadPoolExecutor(CALLERS) as pool:
        told = list(pool.map(call, range(CALLERS)))
    everyone = [entry for entries in told for entry in entries]
    places = placed(world, everyone)
    assert len(set(everyone)) == len(places) == CALLERS * EACH
    for entries in told:
        assert [places[entry] for entry in entries] == sorted(places[entry] for entry in entries)
    assert world.note_ids(tenant) == set(everyone)
    assert world.ledger.verify().sound


def test_the_entries_of_one_unit_keep_their_order(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    drafts = [world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(str(n))) for n in range(20)]
    recorded = world.ledger.record(lambda _: drafts, tenant)
    places = placed(world, recorded.entries)
    assert list(recorded.entries) == [draft.id for draft in drafts] == sorted(places, key=lambda entry: places[entry])


def test_a_unit_that_raises_leaves_nothing(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("never"))

    def work(connection: Connection) -> Sequence[Draft]:
        connection.execute(insert(NOTES), {"tenant_id": tenant, "id": draft.id, "text": "never"})
        raise KeyError(draft.id)

    with pytest.raises(KeyError):
        world.ledger.record(work, tenant)
    assert world.note_ids(tenant) == set()
    with pytest.raises(EntryNotFoundError):
        world.ledger.entry(draft.id)


def test_an_entry_id_is_used_once(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("once"))
    world.ledger.record(lambda _: [draft], tenant)
    with pytest.raises(Exception, match=r"(?i)unique"):
        world.ledger.record(lambda _: [draft], tenant)
    assert len(placed(world, [draft.id])) == 1


def test_a_write_inside_a_unit_of_work_is_refused(world: World, tenant: TenantId) -> None:
    def work(_: Connection) -> Sequence[Draft]:
        world.database.write(lambda connection: None)
        return []

    with pytest.raises(NestedWriteError):
        world.ledger.record(work, tenant)

    def again(_: Connection) -> Sequence[Draft]:
        world.ledger.record(lambda _: [], tenant)
        return []

    with pytest.raises(NestedWriteError):
        world.ledger.record(again, tenant)


def test_of_those_who_look_before_they_leap_one_does(world: World, tenant: TenantId) -> None:
    """What a unit of work reads is what it would read alone: here, whether anybody was first."""
    subject, met = world.ledger.subjects.system(tenant), threading.Barrier(CALLERS)

    def leap(caller: int) -> Recorded:
        draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(str(caller)))

        def work(connection: Connection) -> Sequence[Draft]:
            mine = select(func.count(NOTES.c.id)).where(NOTES.c.tenant_id == tenant)
            if connection.execute(mine).scalar_one():
                return []
            connection.execute(insert(NOTES), {"tenant_id": tenant, "id": draft.id, "text": "first"})
            return [draft]

        met.wait(LONG)
        return world.ledger.record(work, tenant)

    with ThreadPoolExecutor(CALLERS) as pool:
        leapt = [recorded for recorded in pool.map(leap, range(CALLERS)) if recorded.entries]
    assert len(leapt) == 1
    assert world.note_ids(tenant) == set(leapt[0].entries)


@pytest.mark.parametrize("n", range(3))
def test_nothing_is_sealed_under_a_key_that_is_erased_meanwhile(world: World, tenant: TenantId, n: int) -> None:
    subject = world.ledger.subjects.create(tenant)

    def store(connection: Connection) -> Sequence[Draft]:
        world.ledger.subjects.insert(connection, subject)
        return []

    world.ledger.record(store, tenant)
    met = threading.Barrier(4)

    def append(text: str) -> bool:
        met.wait(LONG)
        try:
            world.write_note(tenant, text, subject)
        except SubjectErasedError:
            return False
        return True

    def erase() -> None:
        met.wait(LONG)
        world.erase(tenant, subject.id)

    with ThreadPoolExecutor(4) as pool:
        appended = [pool.submit(append, str(caller)) for caller in range(3)]
        pool.submit(erase).result(LONG)
        accepted = sum(one.result(LONG) for one in appended)
    with world.database.read(SystemSession.FSCK) as connection:
        keys = connection.execute(select(func.count(SubjectKey.id)).where(SubjectKey.id == subject.id)).scalar_one()
        sealed = connection.execute(select(Payload.sealed).where(Payload.subject_id == subject.id)).scalars().all()
    assert keys == 0
    assert sealed == [None] * accepted


def test_time_never_runs_back_in_the_log(world: World, tenant: TenantId) -> None:
    before = world.write_note(tenant, "before").entries[0]
    world.clock.move(timedelta(days=-3))
    after = world.write_note(tenant, "after").entries[0]
    world.clock.move(timedelta(days=3))
    assert len(placed(world, [before, after])) == 2
    assert world.ledger.entry(after).time >= world.ledger.entry(before).time
    assert world.ledger.verify().sound


PUBLISHED = [
    update(Entry).values(data=b""),
    delete(Entry),
    update(Checkpoint).values(note=""),
    delete(Checkpoint),
    delete(Stamp),
    delete(Cosignature),
    update(Tile).values(hashes=b""),
    delete(Tile).where(Tile.level == 0),
]


@pytest.mark.parametrize("statement", PUBLISHED, ids=str)
def test_what_was_published_is_not_changed(world: World, tenant: TenantId, statement: Executable) -> None:
    """A tripwire: even for a session that may do everything."""
    fill_a_tile(world, tenant)

    def change() -> None:
        with world.database.writing(FULL) as connection:
            newest = connection.execute(select(func.max(Checkpoint.size))).scalar_one()
            connection.execute(insert(Stamp), {"size": newest, "response": b"x", "time": 0})
            connection.execute(insert(Cosignature), {"size": 1, "witness": "w", "line": "x"})
            connection.execute(statement)

    with pytest.raises(DBAPIError, match="append-only"):
        change()
    assert world.ledger.verify().sound


def fill_a_tile(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    drafts = [world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(str(n))) for n in range(256)]
    with world.database.read(SystemSession.VERIFICATION) as connection:
        full = connection.execute(select(Tile.n).where(Tile.level == 1)).first() is not None
    if not full:
        assert world.ledger.wait_proven(world.ledger.record(lambda _: drafts, tenant).entries[-1], LONG)


def test_receipt_and_export_verify(world: World, tenant: TenantId, tmp_path: Path) -> None:
    entry = world.write_note(tenant, "proven").entries[0]
    assert world.ledger.wait_proven(entry, LONG)
    assert verify_receipt(world.ledger.receipt(entry), world.ledger.vkey()).entry.id == entry
    export_log(world.database, tmp_path)
    report = verify_mirror(folder_fetch(tmp_path), world.ledger.vkey())
    assert report.sound, report.fault
