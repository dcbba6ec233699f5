"""One database behind one URL: sessions that know whom they act for, and one writer at a time.

Rules
- `read` gives a snapshot that changes nothing; `write` changes bookkeeping tables only; everything that
  decides goes through the sequencer, which alone opens `writing` with full access.
- SQLite: WAL, `synchronous=FULL` (a commit is on disk before anyone is told), `secure_delete` (what is
  erased is overwritten), `BEGIN IMMEDIATE` for writers. Writers of this process take turns in the order
  they asked: SQLite's own lock is correct but unfair, and the integrator must not starve behind the
  sequencer.
- Everything that is SQLite's alone is in this module, in functions whose name says so.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.errors import DatabaseUnavailableError, NestedWriteError
from ledger.ids import TenantId
from ledger.tenancy import Access, Binding, SystemSession, binding, guard

TRUNCATE_TIMEOUT_MS = 250
"""How long emptying the write-ahead log waits for readers: it keeps writers waiting meanwhile, and is tried again."""

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for another process's lock before DatabaseUnavailableError."""

POOL_SIZE = 16
POOL_OVERFLOW = 48
"""Readers at once: as many as a server's request threads, with room."""

POOL_TIMEOUT = 5.0
"""Seconds a reader waits for a connection before DatabaseUnavailableError."""

_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
T = TypeVar("T")


class Database:
    """The one way to rows."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT,
            hide_parameters=True,  # an error's text may end in a log, and rows must not
        )
        self._turns = _Turns()
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        if self._is_sqlite:
            event.listen(self._engine, "connect", _connect_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        guard(self._engine)

    @contextmanager
    def read(self, session: TenantId | SystemSession) -> Iterator[Connection]:
        """A read-only snapshot for a tenant, or for a named system session across tenants.

        Raises DatabaseUnavailableError; SessionRefusedError from a statement the session may not run.
        """
        with self._transaction(Binding(session, Access.READ)) as connection:
            yield connection

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in one transaction that may change bookkeeping tables only, and return its result.

        Raises DatabaseUnavailableError, NestedWriteError, SessionRefusedError.
        """
        with self.writing(Binding(SystemSession.BOOKKEEPING, Access.BOOKKEEPING)) as connection:
            return fn(connection)

    @contextmanager
    def writing(self, bound: Binding) -> Iterator[Connection]:
        """One writing transaction, in turn. For the sequencer and migrations; others use `write`."""
        with self._turns, self._transaction(bound) as connection:
            yield connection

    def truncate_wal(self) -> bool:
        """After an erasure: move the log into the database file and empty it, so that no old page stays.

        False while a reader still needs older pages; ask again later.
        """
        if not self._is_sqlite:
            return True
        with self._turns, _unavailable(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute(f"PRAGMA busy_timeout={TRUNCATE_TIMEOUT_MS}")
            try:
                busy: int = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not busy

    @property
    def file(self) -> Path | None:
        """The database's file, where it is one."""
        name = self._engine.url.database
        return Path(name) if self._is_sqlite and name else None

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, bound: Binding) -> Iterator[Connection]:
        with _unavailable(), self._engine.connect() as connection, bound.bind(connection).begin():
            yield connection


class _Turns:
    """A lock that serves in the order of asking, and refuses to wait for itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[int] = deque()
        """Waiting threads; the first holds the turn. Guarded by `_changed`."""

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            if me in self._line:
                raise NestedWriteError("a write inside a write: do both in one function")
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


@contextmanager
def _unavailable() -> Iterator[None]:
    """Name the failures that pass with time or mending; leave the rest, which are faults of the statement."""
    try:
        yield
    except (OperationalError, PoolTimeoutError, sqlite3.OperationalError) as error:
        cause = error.orig if isinstance(error, OperationalError) else error
        if not _passes(cause):
            raise
        raise DatabaseUnavailableError(f"the database cannot serve now: {cause}") from error
    except (DatabaseError, sqlite3.DatabaseError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        if getattr(cause, "sqlite_errorcode", None) not in _DAMAGED:
            raise
        raise DatabaseUnavailableError(
            f"the database's file is damaged, or is none ({cause}): put a backup in its place"
        ) from error


def _passes(error: BaseException | None) -> bool:
    """SQLITE_ERROR is a faulty statement; every other operational error is the disk's or a lock's."""
    return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR


def _connect_sqlite(raw: DBAPIConnection, _record: object) -> None:
    assert isinstance(raw, sqlite3.Connection)
    # The driver would begin transactions late and by itself; we say BEGIN ourselves.
    raw.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("BEGIN" if binding(connection).access is Access.READ else "BEGIN IMMEDIATE")
