"""SQLite behind `ledger.storage.database`: one file, one process, one writer at a time.

Rules
- WAL, `synchronous=FULL` (a commit is on disk before anyone is told), `secure_delete` (what is erased is overwritten),
  `BEGIN IMMEDIATE` for writers.
- Writers of this process take turns in the order they asked: SQLite's own lock is correct but unfair, and the
  integrator must not starve behind the sequencer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError

from ledger.errors import DatabaseUnavailableError
from ledger.storage.tenancy import Access, binding

TRUNCATE_TIMEOUT_MS = 250
"""How long emptying the write-ahead log waits for readers: it keeps writers waiting meanwhile, and is tried again."""

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for another process's lock before DatabaseUnavailableError."""

POOL_SIZE = 16
POOL_OVERFLOW = 48
"""Readers at once: as many as a server's request threads, with room."""

POOL_TIMEOUT = 5.0
"""Seconds a reader waits for a connection before DatabaseUnavailableError."""

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
T = TypeVar("T")


class Sqlite:
    """Implements `ledger.storage.database.Backend`."""

    concurrent = False

    def __init__(self, url: URL) -> None:
        self.file = Path(url.database) if url.database else None
        self.engine: Engine = create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT,
            pool_use_lifo=True,  # the one used last has most of its pages and statements at hand
            hide_parameters=True,  # an error's text may end in a log, and rows must not
        )
        event.listen(self.engine, "connect", _connect)
        event.listen(self.engine, "begin", _begin)
        self.turns = _Turns()
        self._named: dict[str, threading.Lock] = {}
        self._naming = threading.Lock()

    def turn(self) -> AbstractContextManager[None]:
        """Wait for this writer's turn."""
        return self.turns

    def attempts(self, once: Callable[[], T]) -> T:
        """Nobody else writes: once is enough."""
        return once()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """One process has the file: its threads are all there are."""
        with self._naming:
            lock = self._named.setdefault(what, threading.Lock())
        with lock:
            yield

    def truncate_wal(self) -> bool:
        """False while a reader still needs older pages."""
        with self.turns, self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute(f"PRAGMA busy_timeout={TRUNCATE_TIMEOUT_MS}")
            try:
                busy: int = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not busy

    def unavailable(self, error: BaseException) -> DatabaseUnavailableError | None:
        """Name the failures that pass with time or mending; the rest are faults of the statement."""
        cause = error.orig if isinstance(error, DatabaseError) else error
        code = getattr(cause, "sqlite_errorcode", None)
        if isinstance(error, OperationalError | sqlite3.OperationalError):
            # SQLITE_ERROR is a faulty statement; every other operational error is the disk's or a lock's.
            passes = code != sqlite3.SQLITE_ERROR
            return DatabaseUnavailableError(f"the database cannot serve now: {cause}") if passes else None
        if code in _DAMAGED:
            return DatabaseUnavailableError(
                f"the database's file is damaged, or is none ({cause}): put a backup in its place"
            )
        return None


class _Turns:
    """A lock that serves in the order of asking."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[int] = deque()
        """Waiting threads; the first holds the turn. Guarded by `_changed`."""

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._line.append(me)
            try:
                self._changed.wait_for(lambda: self._line[0] == me)
            except BaseException:
                # An interrupted wait must leave the line, or everyone behind it waits for ever.
                self._line.remove(me)
                self._changed.notify_all()
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._line.popleft()
            self._changed.notify_all()


def _connect(raw: DBAPIConnection, _record: object) -> None:
    assert isinstance(raw, sqlite3.Connection)
    # The driver would begin transactions late and by itself; we say BEGIN ourselves.
    raw.isolation_level = None
    for pragma in PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    if binding(connection).access is Access.LOOK:
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("BEGIN" if binding(connection).access is Access.READ else "BEGIN IMMEDIATE")
