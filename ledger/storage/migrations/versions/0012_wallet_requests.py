"""Requests to wallets, while they wait and until their verdicts are fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "wallet_request",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_wallet_request"),
    )
    op.create_index("ix_wallet_request_id", "wallet_request", ["id"], unique=True)
    op.create_index("ix_wallet_request_expires_at", "wallet_request", ["expires_at"])
