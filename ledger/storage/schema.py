"""Bringing a database to the schema of this version, at every start.

Rules
- Migrations are `ledger/storage/migrations/versions/NNNN_*.py`, in one line; the number is the revision.
- Alembic is imported only when there is something to do: commands start without it.
- A database from a newer version is refused: an older program cannot know what it would break.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from ledger.errors import SchemaTooNewError
from ledger.storage.database import Database
from ledger.storage.tables import LogIdentity
from ledger.storage.tenancy import Access, Binding, SystemSession

MIGRATIONS = Path(__file__).parent / "migrations"
_SETUP = Binding(SystemSession.SETUP, Access.FULL)


def head() -> str:
    """The newest revision this version knows."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate(database: Database) -> None:
    """Upgrade to `head` in one transaction. Raises SchemaTooNewError, DatabaseUnavailableError."""
    with database.alone("schema"), database.writing(_SETUP) as connection:
        stored = _stored(connection)
        if stored > head():
            raise SchemaTooNewError(
                f"the database is at revision {stored}, this version knows {head()}: run the newer version"
            )
        if stored < head():
            _upgrade(connection)


def is_empty(database: Database) -> bool:
    """Whether no log was begun here. Raises DatabaseUnavailableError."""
    with database.writing(_SETUP) as connection:
        return not _stored(connection) or connection.execute(select(LogIdentity.origin)).first() is None


def _stored(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    stored: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return stored or ""


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
