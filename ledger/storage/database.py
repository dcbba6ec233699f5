"""One database behind one URL: sessions that know whom they act for.

Rules
- `read` gives a snapshot that changes nothing, `look` a row; `write` changes bookkeeping tables only; everything that
  decides goes through the sequencer, which alone opens transactions with more access.
- What is SQLite's alone is in `ledger.sqlite`, what is PostgreSQL's in `ledger.postgresql`; both are a `Backend`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, RowMapping, Select, event, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.errors import DatabaseUnavailableError, NestedWriteError
from ledger.ids import TenantId
from ledger.storage.postgresql import Postgresql
from ledger.storage.sqlite import Sqlite
from ledger.storage.tenancy import Access, Binding, SystemSession, guard

T = TypeVar("T")


class Backend(Protocol):
    """What differs between databases."""

    @property
    def engine(self) -> Engine:
        """Its connections."""

    @property
    def concurrent(self) -> bool:
        """Whether several write at once, of several processes too."""

    @property
    def file(self) -> Path | None:
        """Where it is one."""

    def turn(self) -> AbstractContextManager[None]:
        """Hold a writer's turn."""

    def attempts(self, once: Callable[[], T]) -> T:
        """Run a transaction, again where another one was in the way."""

    def alone(self, what: str) -> AbstractContextManager[None]:
        """Be the only one who does this while the block runs."""

    def truncate_wal(self) -> bool:
        """Empty the write-ahead log, where it is ours to empty; whether it is empty."""

    def unavailable(self, error: BaseException) -> DatabaseUnavailableError | None:
        """The error to raise for one that passes with time or mending; None for a faulty statement."""


class Database:
    """The one way to rows."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.backend: Backend = Sqlite(parsed) if parsed.get_backend_name() == "sqlite" else Postgresql(parsed)
        self._here = threading.local()
        """`writing` while this thread has a writing transaction."""

        self._closed = False
        guard(self.backend.engine)
        event.listen(self.backend.engine, "checkin", self._returned)

    @contextmanager
    def read(self, session: TenantId | SystemSession) -> Iterator[Connection]:
        """A read-only snapshot for a tenant, or for a named system session across tenants.

        Raises DatabaseUnavailableError; SessionRefusedError from a statement the session may not run.
        """
        with self._unavailable(), self._transaction(Binding(session, Access.READ)) as connection:
            yield connection

    def look(
        self, session: TenantId | SystemSession, statement: Select[*tuple[Any, ...]], wanted: Mapping[str, Any]
    ) -> RowMapping | None:
        """The first row that one statement finds, None for none: what each of hundreds of requests a second asks.

        Raises DatabaseUnavailableError; SessionRefusedError from a statement the session may not run.
        """
        with self._unavailable(), self._transaction(Binding(session, Access.LOOK)) as connection:
            return connection.execute(statement, wanted).mappings().first()

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in one transaction that may change bookkeeping tables only, and return its result.

        Raises DatabaseUnavailableError, NestedWriteError, SessionRefusedError.
        """
        return self.transact(Binding(SystemSession.BOOKKEEPING, Access.BOOKKEEPING), fn)

    def transact(self, bound: Binding, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in one writing transaction; again, from its beginning, where another one was in the way.

        Raises DatabaseUnavailableError, OutcomeUnknownError, NestedWriteError, and what `fn` raises.
        """

        def once() -> T:
            with self._transaction(bound) as connection:
                return fn(connection)

        with self._unavailable(), self._one_write():
            return self.backend.attempts(once)

    @contextmanager
    def writing(self, bound: Binding) -> Iterator[Connection]:
        """One writing transaction, which is not run again. For setup and the single writer; others use `write`."""
        with self._unavailable(), self._one_write(), self._transaction(bound) as connection:
            yield connection

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Be the only one at this database, of all threads and processes, who does `what` while the block runs.

        Raises DatabaseUnavailableError, also when another one is at it for long.
        """
        with self._unavailable(), self.backend.alone(what):
            yield

    @contextmanager
    def elected(self, what: str) -> Iterator[Connection | None]:
        """On PostgreSQL: a session that holds the lock of this name until the block, or the session, ends; None where
        another one does. Raises DatabaseUnavailableError.
        """
        assert isinstance(self.backend, Postgresql)
        with self._unavailable(), self.backend.elected(what) as connection:
            yield connection

    def truncate_wal(self) -> bool:
        """After an erasure: move the log into the database file and empty it, so that no old page stays.

        False while a reader still needs older pages; ask again later.
        """
        with self._unavailable():
            return self.backend.truncate_wal()

    @property
    def file(self) -> Path | None:
        """The database's file, where it is one."""
        return self.backend.file

    def close(self) -> None:
        """Close every connection, one that is in use when it comes back."""
        self._closed = True
        self.backend.engine.dispose()

    def _returned(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        if self._closed:
            entry.close()

    @contextmanager
    def _transaction(self, bound: Binding) -> Iterator[Connection]:
        with self.backend.engine.connect() as connection, bound.bind(connection).begin():
            yield connection

    @contextmanager
    def _one_write(self) -> Iterator[None]:
        if getattr(self._here, "writing", False):
            raise NestedWriteError("a write inside a write: do both in one function")
        self._here.writing = True
        try:
            with self.backend.turn():
                yield
        finally:
            self._here.writing = False

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError(f"the database cannot serve now: {error}") from error
        except Exception as error:
            if named := self.backend.unavailable(error):
                raise named from error
            raise
