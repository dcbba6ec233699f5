"""The one thread of a process that commits units of work, on either database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, func, insert, select

import ledger.sequencing.writer
from ledger.errors import (
    DatabaseUnavailableError,
    LogBusyError,
    LogClosedError,
    NestedWriteError,
    RowsContendedError,
)
from ledger.ids import TenantId
from ledger.log import Recorded
from ledger.payload import Draft
from ledger.sequencing.writer import Unit, Writer
from ledger.storage.tables import Payload
from tests.databases import BOTH, POSTGRESQL, SQLITE, url_of
from tests.ledger.world import ACTOR, LONG, NOTES, POLICY, NoteWritten, World, running


@pytest.fixture(params=BOTH)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "log.db", kind=request.param) as started:
        yield started


def writer_of(world: World) -> Writer:
    return world.ledger._sequencer._writer  # type: ignore[attr-defined, no-any-return]  # either has one


@contextmanager
def held_up(world: World, tenant: TenantId, pool: ThreadPoolExecutor) -> Iterator[None]:
    """The writer thread is inside a unit of work for as long as this lasts."""
    entered, leave = threading.Event(), threading.Event()

    def work(_: Connection) -> Sequence[Draft]:
        entered.set()
        assert leave.wait(LONG)
        return []

    blocked = pool.submit(world.ledger.record, work, tenant)
    assert entered.wait(LONG)
    yield
    leave.set()
    blocked.result(LONG)


def _until_queued(world: World, count: int) -> None:
    pause = threading.Event()
    for _ in range(int(LONG / 0.001)):
        if len(writer_of(world)._waiting) >= count:
            return
        pause.wait(0.001)
    pytest.fail("the units never queued")


def test_waiting_units_share_one_commit(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    transactions: list[int] = []
    run = writer_of(world)._transaction

    def counted(units: Sequence[Unit]) -> None:
        transactions.append(len(units))
        run(units)

    writer_of(world)._transaction = counted  # a spy on the real thing
    with ThreadPoolExecutor(21) as pool, held_up(world, tenant, pool):
        done = [pool.submit(world.write_note, tenant, str(n), subject) for n in range(20)]
        _until_queued(world, 20)
    assert all(future.result(LONG) for future in done)
    assert transactions == [1, 20]


def test_an_erasure_leaves_nothing_of_what_shares_its_commit(world: World, tenant: TenantId) -> None:
    """Though the payloads of a batch are written after its units ran."""
    (first,) = world.write_note(tenant, "first").entries
    subject = world.ledger.subjects.open(tenant, world.subject_of(tenant, first))
    with ThreadPoolExecutor(4) as pool, held_up(world, tenant, pool):
        before = pool.submit(world.write_note, tenant, "before", subject)
        _until_queued(world, 1)
        erased = pool.submit(world.erase, tenant, subject.id)
        _until_queued(world, 2)
    (entry,) = before.result(LONG).entries
    erased.result(LONG)
    with world.database.read(tenant) as connection:
        kept = connection.execute(
            select(Payload.entry_id, Payload.sealed).where(
                Payload.tenant_id == tenant, Payload.subject_id == subject.id
            )
        ).all()
    assert {*kept} == {(first, None), (entry, None)}


def test_a_full_queue_pushes_back(world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.sequencing.writer, "QUEUE_LIMIT", 3)
    subject = world.ledger.subjects.system(tenant)
    with ThreadPoolExecutor(4) as pool, held_up(world, tenant, pool):
        done = [pool.submit(world.write_note, tenant, str(n), subject) for n in range(3)]
        _until_queued(world, 3)
        with pytest.raises(LogBusyError):
            world.write_note(tenant, "one too many", subject)
    assert [len(future.result(LONG).entries) for future in done] == [1, 1, 1]


def test_recording_inside_a_unit_of_work_is_refused(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)

    def work(_: Connection) -> Sequence[Draft]:
        world.write_note(tenant, "inside", subject)
        return []

    with pytest.raises(NestedWriteError):
        world.ledger.record(work, tenant)


@pytest.mark.parametrize("world", [SQLITE], indirect=True)
def test_a_locked_database_fails_the_batch_and_the_thread_survives(
    impatient: None, world: World, tenant: TenantId
) -> None:
    subject = world.ledger.subjects.system(tenant)
    other = sqlite3.connect(world.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError):
        world.write_note(tenant, "locked out", subject)
    other.execute("ROLLBACK")
    other.close()
    world.write_note(tenant, "back", subject)
    assert world.ledger.verify().sound


@pytest.mark.parametrize("world", [POSTGRESQL], indirect=True)
def test_rows_that_another_holds_hold_up_whoever_needs_them(world: World, tenant: TenantId) -> None:
    """And nobody else of the same batch."""
    subject = world.ledger.subjects.system(tenant)
    drafts = [
        world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(text)) for text in ("free", "held")
    ]

    def record(draft: Draft) -> Recorded:
        def work(connection: Connection) -> Sequence[Draft]:
            connection.execute(select(func.set_config("lock_timeout", "50ms", True)))
            connection.execute(insert(NOTES), {"tenant_id": tenant, "id": draft.id, "text": "x"})
            return [draft]

        return world.ledger.record(work, tenant)

    with psycopg.connect(url_of(world.path, POSTGRESQL)) as other, ThreadPoolExecutor(3) as pool:
        other.execute("INSERT INTO note VALUES (%s, %s, 'x')", [tenant, drafts[1].id])
        with held_up(world, tenant, pool):
            free, held = (pool.submit(record, draft) for draft in drafts)
            _until_queued(world, 2)
        assert free.result(LONG).entries == (drafts[0].id,)
        with pytest.raises(RowsContendedError):
            held.result(LONG)
        other.rollback()
    assert record(drafts[1]).entries == (drafts[1].id,)
    assert world.note_ids(tenant) == {draft.id for draft in drafts}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_when_the_thread_dies_everyone_waiting_is_told(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)

    def deadly(_: Connection) -> Sequence[Draft]:
        raise SystemExit(1)

    with ThreadPoolExecutor(8) as pool:
        with held_up(world, tenant, pool):
            killer: Future[Recorded] = pool.submit(world.ledger.record, deadly, tenant)
            _until_queued(world, 1)
            others = [pool.submit(world.write_note, tenant, str(n), subject) for n in range(5)]
            _until_queued(world, 6)
        for future in [killer, *others]:
            with pytest.raises(LogClosedError):
                future.result(LONG)
    with pytest.raises(LogClosedError):
        world.write_note(tenant, "after", subject)
    assert world.ledger.status().reason == "the log is not running"
    assert world.note_ids(tenant) == set()


def test_a_unit_sees_only_its_tenant(world: World, tenant: TenantId) -> None:
    other = world.ledger.create_tenant("second")

    def work(connection: Connection) -> Sequence[Draft]:
        connection.execute(insert(NOTES), {"tenant_id": other, "id": "x", "text": "planted"})
        return []

    with pytest.raises(Exception, match="not the session's tenant"):
        world.ledger.record(work, tenant)
    assert world.note_ids(other) == set()
