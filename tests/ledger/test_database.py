from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

import ledger.storage.sqlite
from ledger.errors import DatabaseUnavailableError, NestedWriteError
from ledger.storage.database import Database
from ledger.storage.schema import migrate
from ledger.storage.sqlite import Sqlite, _Turns
from ledger.storage.tables import Tile
from ledger.storage.tenancy import SystemSession
from tests.ledger.world import FULL, LONG

pytestmark = pytest.mark.sqlite("of SQLite's file, locks and turns")


@pytest.fixture
def database(impatient: None, tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'plain.db'}")
    migrate(opened)
    yield opened
    opened.close()


def turns_of(database: Database) -> _Turns:
    assert isinstance(database.backend, Sqlite)
    return database.backend.turns


def add_tile(database: Database, n: int) -> None:
    row = {"level": 0, "n": n, "hashes": b""}
    database.write(lambda connection: connection.execute(insert(Tile), row))


def tiles(database: Database) -> list[int]:
    with database.read(SystemSession.VERIFICATION) as connection:
        return list(connection.execute(select(Tile.n).order_by(Tile.n)).scalars())


def test_what_sqlite_is_told(database: Database) -> None:
    with database.writing(FULL) as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_write_that_raises_changes_nothing(database: Database) -> None:
    def fails(_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        database.write(fails)
    assert tiles(database) == []


def test_a_lock_held_elsewhere_is_unavailability_and_passes(database: Database) -> None:
    other = sqlite3.connect(str(database.backend.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError):
        add_tile(database, 1)
    other.execute("ROLLBACK")
    other.close()
    add_tile(database, 1)
    assert tiles(database) == [1]


def test_a_full_disk_is_unavailability_and_passes(database: Database) -> None:
    with database.writing(FULL) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def grow(limit: int) -> None:
        with database.writing(FULL) as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={limit}")
            connection.execute(insert(Tile), {"level": 0, "n": 1, "hashes": bytes(100_000)})

    with pytest.raises(DatabaseUnavailableError, match="full"):
        grow(pages)
    assert tiles(database) == []
    grow(pages * 10)
    assert tiles(database) == [1]


def test_too_many_readers_is_unavailability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.storage.sqlite, "POOL_SIZE", 1)
    monkeypatch.setattr(ledger.storage.sqlite, "POOL_OVERFLOW", 0)
    monkeypatch.setattr(ledger.storage.sqlite, "POOL_TIMEOUT", 0.01)
    small = Database(f"sqlite:///{tmp_path / 'small.db'}")
    with (
        small.read(SystemSession.FSCK),
        pytest.raises(DatabaseUnavailableError),
        small.read(SystemSession.FSCK),
    ):
        pytest.fail("two readers of one connection")
    small.close()


def test_a_faulty_statement_is_not_unavailability(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"), database.writing(FULL) as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_writers_take_turns_in_the_order_they_asked(database: Database) -> None:
    order: list[int] = []
    threads = [threading.Thread(target=lambda n=n: database.write(lambda _: order.append(n))) for n in range(8)]
    with database.writing(FULL):
        for waiting, thread in enumerate(threads, start=2):
            thread.start()
            _until_waiting(database, waiting)
    for thread in threads:
        thread.join(LONG)
    assert order == list(range(8))


def _until_waiting(database: Database, count: int) -> None:
    pause = threading.Event()
    for _ in range(int(LONG / 0.001)):
        if len(turns_of(database)._line) == count:
            return
        pause.wait(0.001)
    pytest.fail("a writer never asked for its turn")


def test_an_interrupted_wait_leaves_the_line(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class InterruptedCondition(threading.Condition):
        def wait_for(self, *_: object) -> bool:  # type: ignore[override]  # the test needs only the interruption
            raise KeyboardInterrupt

    whole = turns_of(database)._changed
    monkeypatch.setattr(turns_of(database), "_changed", InterruptedCondition())
    with pytest.raises(KeyboardInterrupt):
        add_tile(database, 1)
    monkeypatch.setattr(turns_of(database), "_changed", whole)
    add_tile(database, 2)
    assert tiles(database) == [2]


def test_a_write_inside_a_write_is_refused(database: Database) -> None:
    with pytest.raises(NestedWriteError):
        database.write(lambda _: add_tile(database, 1))
    add_tile(database, 2)


def test_a_connection_in_use_at_the_end_is_closed_when_it_comes_back(database: Database) -> None:
    with database.read(SystemSession.INTEGRATION) as connection:
        driver: Any = connection.connection.dbapi_connection
        database.close()
        assert connection.execute(select(Tile.n)).all() == []
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
