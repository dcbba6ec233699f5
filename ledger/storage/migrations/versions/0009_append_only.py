"""A tripwire: what was published is not changed. Full tiles, too; the last of each level still grows."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

FOR_EVER = ("entry", "checkpoint", "cosignature", "overruled", "stamp", "stamp_root")
FULL_TILE = 256 * 32

_FUNCTION = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % of % is refused', lower(TG_OP), TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    _on_sqlite() if op.get_context().dialect.name == "sqlite" else _on_postgresql()


def _on_postgresql() -> None:
    op.execute(_FUNCTION)
    for table in FOR_EVER:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tile FOR EACH ROW "
        f"WHEN (octet_length(OLD.hashes) >= {FULL_TILE}) EXECUTE FUNCTION append_only()"
    )
    op.execute("CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tile FOR EACH STATEMENT EXECUTE FUNCTION append_only()")


def _on_sqlite() -> None:
    for what in ("update", "delete"):
        for table in (*FOR_EVER, "tile"):
            full = f"WHEN length(OLD.hashes) >= {FULL_TILE} " if table == "tile" else ""
            op.execute(
                f"CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} {full}"
                f"BEGIN SELECT RAISE(ABORT, 'append-only: {what} of {table} is refused'); END"
            )
