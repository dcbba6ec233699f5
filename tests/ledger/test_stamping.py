"""When a checkpoint is stamped: on schedule, once more when the log rests, late when nobody answers, never twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, delete, func, select, update

from ledger.errors import DatabaseUnavailableError, SessionRefusedError, StampUnavailableError
from ledger.stamping.schedule import RESTED, STAMP_EVERY
from ledger.stamping.stamper import LOOK_SECONDS, Obtained, Stamping
from ledger.stamping.stamps import stored_stamps
from ledger.storage.database import Database
from ledger.storage.tables import Checkpoint, Stamp, StampRoot
from ledger.storage.tenancy import SystemSession
from tests.databases import url_of
from tests.ledger.publishing import grow
from tests.ledger.stamper import Desk
from tests.ledger.world import LONG, World, running

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running(tmp_path / "log.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        yield Desk(world)


def sizes(world: World) -> list[int]:
    with world.database.read(SystemSession.FSCK) as connection:
        return list(connection.execute(select(Stamp.size).order_by(Stamp.size)).scalars())


def test_while_the_log_grows_there_is_one_an_hour_and_one_more_when_it_rests(desk: Desk) -> None:
    clock = desk.world.clock
    stamped_at = []
    for minute in range(150):
        if minute <= 132 and minute % 4 == 0:
            grow(desk.world, 2 + minute)
        if desk.stamping.step():
            stamped_at.append(minute)
        clock.move(MINUTE)
    rested = 132 + RESTED // MINUTE
    assert stamped_at == [0, 60, 120, rested]
    assert sizes(desk.world) == [2, 62, 122, 134]
    assert timedelta(hours=1) == STAMP_EVERY


def test_nothing_is_stamped_before_there_is_a_checkpoint(desk: Desk) -> None:
    assert not desk.stamping.step()
    assert (desk.asked, desk.stamping.status().size, desk.stamping.status().time) == (0, 0, None)


def test_what_is_stamped_is_the_note_with_the_logs_own_signature(desk: Desk) -> None:
    grow(desk.world, 5)
    assert desk.stamping.step()
    with desk.world.database.read(SystemSession.FSCK) as connection:
        (stamp,) = stored_stamps(connection, 0)
    text, _, signatures = stamp.note.decode().partition("\n\n")
    assert text.startswith("log.example/test\n5\n")
    assert signatures.count("\n") == 1
    status = desk.stamping.status()
    assert (status.size, status.time, status.reason) == (5, desk.world.clock().replace(microsecond=0), "")


def test_a_restart_stamps_nothing_again(desk: Desk) -> None:
    grow(desk.world, 5)
    assert desk.stamping.step()
    grow(desk.world, 6)
    again = Stamping(desk.world.database, desk, desk.world.clock)
    assert not again.step()
    desk.world.clock.move(STAMP_EVERY)
    assert again.step()
    assert (sizes(desk.world), desk.asked) == ([5, 6], 2)


def test_a_dead_authority_delays_stamps_and_never_appends(desk: Desk) -> None:
    desk.dead = True
    grow(desk.world, 5)
    for size in (6, 7):
        with pytest.raises(StampUnavailableError):
            desk.stamping.step()
        grow(desk.world, size)
    assert desk.world.ledger.verify().proven == 7
    desk.dead = False
    assert desk.stamping.step()
    assert sizes(desk.world) == [7]


def test_a_crash_between_fetching_and_storing_costs_a_stamp_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(desk.world, 5)

    def full(_: object) -> None:
        raise DatabaseUnavailableError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(desk.world.database, "write", full)
        with pytest.raises(DatabaseUnavailableError):
            desk.stamping.step()
    assert (desk.asked, sizes(desk.world), desk.stamping.status().size) == (1, [], 0)
    again = Stamping(desk.world.database, desk, desk.world.clock)
    assert again.step()
    assert (desk.asked, sizes(desk.world)) == (2, [5])
    assert not again.step()


def test_of_many_at_once_one_asks(desk: Desk) -> None:
    """Threads of two processes: the database tells them apart."""
    grow(desk.world, 5)
    again = Database(url_of(desk.world.path, desk.world.kind))
    stampers = [Stamping(database, desk, desk.world.clock) for database in (desk.world.database, desk.world.database)]
    if desk.world.database.backend.concurrent:
        stampers.append(Stamping(again, desk, desk.world.clock))
    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(Stamping.step, stampers)) == 1
    again.close()
    assert (desk.asked, sizes(desk.world)) == (1, [5])


def test_a_fault_of_ours_is_said_and_ends_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.stamping.stamper.LOOK_SECONDS", 0.01)
    grow(desk.world, 5)

    def obtain(note: bytes) -> Obtained:
        if not told:
            raise ZeroDivisionError
        return desk(note)

    told: list[str] = []
    stamping = Stamping(desk.world.database, obtain, desk.world.clock, notice=told.append)
    stamping.start()
    try:
        _until(lambda: stamping.status().size == 5)
    finally:
        stamping.close()
    assert told == ["the fault is ours: ZeroDivisionError: "]


def test_an_authority_that_hangs_holds_up_no_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it answers afterwards is not stored: another process may have the database by then."""
    monkeypatch.setattr("ledger.stamping.stamper.CLOSE_SECONDS", 0.05)
    grow(desk.world, 5)
    asked, answers = threading.Event(), threading.Event()

    def obtain(note: bytes) -> Obtained:
        asked.set()
        assert answers.wait(LONG)
        return desk(note)

    stamping = Stamping(desk.world.database, obtain, desk.world.clock)
    stamping.start()
    assert asked.wait(LONG)
    stamping.close()
    assert not answers.is_set()
    answers.set()
    _until(lambda: not any(thread.name == "ledger-stamper" for thread in threading.enumerate()))
    assert sizes(desk.world) == []


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=20)])
def test_a_clock_put_back_stops_no_stamps(desk: Desk, back: timedelta) -> None:
    grow(desk.world, 5)
    assert desk.stamping.step()
    desk.world.clock.move(-back)
    grow(desk.world, 6)
    assert desk.stamping.step()
    assert sizes(desk.world) == [5, 6]


def test_the_thread_says_why_a_stamp_is_late_and_recovers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.stamping.stamper.LOOK_SECONDS", 0.01)
    told: list[str] = []
    grow(desk.world, 5)
    desk.dead = True
    stamping = Stamping(desk.world.database, desk, desk.world.clock, notice=told.append)
    stamping.start()
    try:
        _until(lambda: desk.asked > 2)
        assert stamping.status().reason == "nobody answers"
        desk.dead = False
        _until(lambda: stamping.status().size == 5)
        _until(lambda: not stamping.status().reason)
    finally:
        stamping.close()
    assert told == ["nobody answers"], "once, not at every look"
    assert LOOK_SECONDS > 1


def _execute(statement: Executable, connection: Connection) -> None:
    connection.execute(statement)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_stamps_are_rows_that_are_only_added(desk: Desk) -> None:
    grow(desk.world, 5)
    assert desk.stamping.step()
    grow(desk.world, 6)
    desk.stamp()
    with desk.world.database.read(SystemSession.FSCK) as connection:
        before = list(stored_stamps(connection, 0))
    grow(desk.world, 7)
    desk.stamp()
    with desk.world.database.read(SystemSession.FSCK) as connection:
        assert list(stored_stamps(connection, 0))[:2] == before
        assert next(stored_stamps(connection, 6)).size == 7
        assert connection.execute(select(func.count(Stamp.size))).scalar_one() == 3
    for statement in (delete(Stamp), update(Stamp).values(time=0), delete(StampRoot), delete(Checkpoint)):
        with pytest.raises(SessionRefusedError, match="are added, and never changed"):
            desk.world.database.write(partial(_execute, statement))
