"""The table of cases/revocation: which certificates of our own are revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "revocation",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("serial", sa.String, nullable=False),
        sa.Column("revoked_at", INT, nullable=False),
        sa.Column("since", INT, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "issuer", "serial", name="pk_revocation"),
    )
