"""PostgreSQL behind `ledger.storage.database`: many processes, which write at the same time.

Rules
- What decides is SERIALIZABLE: a unit of work reads what it would have read alone, or fails and runs again, which it is
  safe to do by contract. So no unit needs locks of its own, and none can forget them (ADR 0014).
- Readers get a REPEATABLE READ, READ ONLY snapshot. Setup and sequencing, which lock by name, are READ COMMITTED: what
  they read after the lock must be newer than it.
- A connection lost at a commit leaves its outcome open: the unit runs again, and says first whether it was done.
- Connect to the server itself, or to a pooler in session mode: leadership and `alone` are locks of a session.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256
from typing import Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.errors import DatabaseUnavailableError, OutcomeUnknownError, RowsContendedError
from ledger.storage.tenancy import Access, Binding, SystemSession, binding

OLDEST_VERSION: Final = 14
POOL_SIZE: Final = 16
POOL_OVERFLOW: Final = 8
"""Connections of one process at most; a server has 100 unless told otherwise."""

POOL_TIMEOUT: Final = 5.0
CONNECT_SECONDS: Final = 5
PATIENCE: Final = 5.0
"""Seconds for which a unit of work is run again before DatabaseUnavailableError."""

LONGEST_PAUSE: Final = 0.05
LOCK_TIMEOUT_MS: Final = 5_000
IDLE_TIMEOUT_MS: Final = 300_000
"""A transaction that its process forgot holds back vacuum, and with it what was erased."""

_SESSION: Final = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS,
    # What is acknowledged is on disk, whatever the server's default; options in the URL may ask for more.
    "synchronous_commit": "on",
    # A process whose machine is gone lets go of its locks, leadership too, within seconds.
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 5,
    "tcp_user_timeout": 10_000,
    # Scanning a small table whole would mark all of it as read, and every writer of it as a conflict.
    "enable_seqscan": "off",
    "timezone": "UTC",
}
_NOTICED: Final = {
    # And a process notices as soon that the server's machine is gone.
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 5,
    "tcp_user_timeout": 10_000,
}
_SERIALIZABLE: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_BEGINS: Final = {
    Access.READ: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Access.LOOK: "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    Access.WORK: _SERIALIZABLE,
    Access.BOOKKEEPING: _SERIALIZABLE,
    Access.FULL: "BEGIN ISOLATION LEVEL READ COMMITTED",
}
_CONFLICTS: Final = frozenset({"40001", "40P01"})
_CONTENDED: Final = _CONFLICTS | {"55P03"}
_UNIQUE: Final = "23505"
_PASSING: Final = ("08", "25P03", "25P04", "53", "55P03", "57", "58", *_CONFLICTS)
"""Among them sessions that the server ended for their age: a process that was asleep, with its machine, finds one."""

_REFUSED: Final = {
    "28": "check the user and the password in SIGILLO_DATABASE, and the server's pg_hba.conf",
    "3D": "create the database that SIGILLO_DATABASE names: createdb",
    "25006": "it is a standby that only reads: name the primary in SIGILLO_DATABASE",
    "42501": "grant the service's role what docs/operations.md lists",
    "XX": "its files are damaged: put a backup in their place",
}
_LOCK: Final = Binding(SystemSession.SETUP, Access.FULL)
T = TypeVar("T")


class Postgresql:
    """Implements `ledger.storage.database.Backend`."""

    concurrent = True
    file = None

    def __init__(self, url: URL) -> None:
        self.engine: Engine = _engine(url)
        event.listen(self.engine, "connect", _connect)
        event.listen(self.engine, "begin", _begin)
        self._chance = random.Random()  # noqa: S311 -- only spreads those that met apart
        self._named: dict[str, threading.Lock] = {}
        self._naming = threading.Lock()

    def turn(self) -> AbstractContextManager[None]:
        """Writers do not wait for each other."""
        return nullcontext()

    def attempts(self, once: Callable[[], T]) -> T:
        """Run until no other transaction is in the way. Raises OutcomeUnknownError, and what `once` raises."""
        deadline, pause, lost = time.monotonic() + PATIENCE, 0.001, False
        while True:
            try:
                return once()
            except (DBAPIError, PoolTimeoutError) as error:
                lost = lost or bool(getattr(error, "connection_invalidated", False))
                if not (lost or _sqlstate(error) in _CONFLICTS):
                    raise
                if lost and not self._passes_with_time(error):
                    raise
                if time.monotonic() > deadline:
                    if not lost:
                        raise
                    raise OutcomeUnknownError(
                        "the connection to the database was lost, and whether this was committed cannot be told yet"
                    ) from error
            time.sleep(self._chance.uniform(0, pause))
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Be the only one at this database, of all processes, while the block runs."""
        with self._naming:
            mine = self._named.setdefault(what, threading.Lock())
        with mine, self._session() as connection:
            connection.execute(select(func.pg_advisory_lock(lock_key(what))))
            connection.commit()
            yield

    @contextmanager
    def elected(self, what: str) -> Iterator[Connection | None]:
        """The session that holds the lock of this name; None where another one does. It is held until the block, or
        the session, ends.
        """
        with self._session() as connection:
            won: bool = connection.execute(select(func.pg_try_advisory_lock(lock_key(what)))).scalar_one()
            connection.commit()
            yield connection if won else None

    def truncate_wal(self) -> bool:
        """What PostgreSQL's own log holds is its operator's (docs/privacy.md)."""
        return True

    def unavailable(self, error: BaseException) -> DatabaseUnavailableError | None:
        """Name the failures that pass with time or mending; the rest are faults of the statement."""
        if isinstance(error, DBAPIError):
            said, state = str(error.orig).strip().splitlines()[0], _sqlstate(error)
            hint = next((hint for prefix, hint in _REFUSED.items() if (state or "").startswith(prefix)), "")
            if hint:
                return DatabaseUnavailableError(f"the database refuses ({said}): {hint}")
            if state is None and not error.connection_invalidated and self._passes_with_time(error):
                return DatabaseUnavailableError(
                    f"the database cannot be reached ({said}): see that it runs, and that host, user, password and "
                    "name in SIGILLO_DATABASE are right"
                )
            if self._passes_with_time(error) and state != _UNIQUE:
                named = RowsContendedError if state in _CONTENDED else DatabaseUnavailableError
                return named(f"the database cannot serve now: {said}")
        return None

    def _passes_with_time(self, error: BaseException) -> bool:
        if not isinstance(error, DBAPIError):
            return isinstance(error, PoolTimeoutError)
        state = _sqlstate(error)
        if state is None:  # said by the driver: it could not connect, or the connection broke
            return type(error).__name__ == "OperationalError" or error.connection_invalidated
        return state.startswith(_PASSING) or state == _UNIQUE

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """A connection of its own, closed for good afterwards, and its locks with it."""
        with self.engine.connect() as connection:
            _LOCK.bind(connection).begin()
            connection.detach()
            yield connection


def _engine(url: URL) -> Engine:
    told = url.query.get("options", "")
    options = " ".join([*(f"-c {name}={value}" for name, value in _SESSION.items()), str(told)])
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg").update_query_dict({"options": options}),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT,
            hide_parameters=True,
            connect_args={"autocommit": True, "connect_timeout": CONNECT_SECONDS, **_NOTICED},
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnavailableError("PostgreSQL needs its driver: pip install 'sigillo[postgresql]'") from error


def lock_key(what: str) -> int:
    """The number by which PostgreSQL knows a lock of ours: 63 bits."""
    return int.from_bytes(sha256(f"sigillo/{what}".encode()).digest()[:8], "big") >> 1


def copy_rows(connection: Connection, statement: str, types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """COPY, which no SQLAlchemy statement is."""
    from psycopg import Error  # not there where only SQLite is used

    try:
        with connection.connection.cursor().copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except Error as error:
        raise DBAPIError(statement, None, error, connection_invalidated=error.sqlstate is None) from error


def _connect(raw: DBAPIConnection, _record: object) -> None:
    version = raw.info.server_version // 10_000
    if version < OLDEST_VERSION:
        raise DatabaseUnavailableError(
            f"the database is PostgreSQL {version}: Sigillo needs {OLDEST_VERSION} or newer; upgrade the server"
        )


def _begin(connection: Connection) -> None:
    """Say BEGIN, where the driver would say it later. A connection that died while it rested shows it here, and is
    replaced, not told of; but not a session that is held for its locks.
    """
    held = connection.connection.is_detached
    try:
        _say_begin(connection)
    except DBAPIError as error:
        if held or not error.connection_invalidated:
            raise
        _say_begin(connection)


def _say_begin(connection: Connection) -> None:
    bound = binding(connection)
    try:
        _LOCK.bind(connection).exec_driver_sql(_BEGINS[bound.access])
    finally:
        bound.bind(connection)


def _sqlstate(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state
