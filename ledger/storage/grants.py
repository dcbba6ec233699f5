"""What the service's role may do on PostgreSQL, where another role owns the tables.

Append-only is a tripwire: it stops a mistake, or a hijacked service, from changing what was published. Who owns the
tables, or the server, can lift it; whoever audits the log would see that.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from ledger.storage.database import Database
from ledger.storage.tables import Base
from ledger.storage.tenancy import Access, Binding, SystemSession

WORKFLOW_SCHEMA = "dbos"
"""Where the service's role keeps how far its workflows are, in tables that are its own."""

_SETUP = Binding(SystemSession.SETUP, Access.FULL)


def grant(database: Database, role: str) -> None:
    """Let `role` do what the service needs, and no more; as the tables' owner. Raises DatabaseUnavailableError."""
    with database.writing(_SETUP) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(role)
        schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
        _run(connection, f"GRANT USAGE ON SCHEMA {schema} TO {quoted}")
        _run(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {quoted}")
        _run(connection, f"CREATE SCHEMA IF NOT EXISTS {WORKFLOW_SCHEMA}")
        _run(connection, f"GRANT USAGE, CREATE ON SCHEMA {WORKFLOW_SCHEMA} TO {quoted}")
        for table in Base.metadata.tables.values():
            refused = "UPDATE, DELETE, TRUNCATE" if table.info.get("appended") else table.info.get("refused")
            if refused:
                _run(connection, f"REVOKE {refused} ON {table.name} FROM {quoted}")
        _run(connection, f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}")


def _run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))
