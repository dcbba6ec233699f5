"""Cosignatures by witnesses, and what an operator decided that the log goes on without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "cosignature",
        sa.Column("size", INT, nullable=False, autoincrement=False),
        sa.Column("witness", sa.String, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name="pk_cosignature"),
    )
    op.create_index("ix_cosignature_witness_size", "cosignature", ["witness", "size"])
    op.create_table(
        "overruled",
        sa.Column("witness", sa.String, nullable=False),
        sa.Column("size", INT, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("witness", "size", name="pk_overruled"),
    )
