"""Revocations are told apart by their issuer's key, too: authorities may share a name. Earlier rows do not know it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # SQLite cannot change a table's key: there Alembic makes the table anew.
    in_place = op.get_context().dialect.name != "sqlite"
    with op.batch_alter_table("revocation", recreate="never" if in_place else "always") as table:
        table.add_column(sa.Column("issuer_key", sa.String, nullable=False, server_default=""))
        table.drop_constraint("pk_revocation", type_="primary")
        table.create_primary_key("pk_revocation", ["tenant_id", "issuer", "serial", "issuer_key"])
