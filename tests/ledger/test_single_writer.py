from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, insert, select

import ledger.sequencing.single_writer
from ledger.errors import DatabaseUnavailableError, LogBusyError, LogClosedError, NestedWriteError
from ledger.ids import TenantId
from ledger.log import Recorded
from ledger.payload import Draft
from ledger.sequencing.single_writer import SingleWriter
from ledger.storage.tables import Payload
from tests.ledger.world import LONG, NOTES, World

pytestmark = pytest.mark.sqlite("of the one writer thread, which PostgreSQL does not have")


def writer_of(world: World) -> SingleWriter:
    assert isinstance(world.ledger._sequencer, SingleWriter)
    return world.ledger._sequencer


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

    def counted(units: Sequence[ledger.sequencing.single_writer._Unit]) -> None:
        transactions.append(len(units))
        run(units)

    writer_of(world)._transaction = counted  # type: ignore[method-assign]  # a spy on the real thing
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
    monkeypatch.setattr(ledger.sequencing.single_writer, "QUEUE_LIMIT", 3)
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
