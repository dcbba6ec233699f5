"""Revocations are told apart by their issuer's key, too: authorities may share a name. Earlier rows do not know it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("revocation", recreate="always") as table:
        table.add_column(sa.Column("issuer_key", sa.String, nullable=False, server_default=""))
        table.drop_constraint("pk_revocation", type_="primary")
        table.create_primary_key("pk_revocation", ["tenant_id", "issuer", "serial", "issuer_key"])
