"""The table of cases/likeness/retroactive: how far what was kept before a registration is looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "likeness_retroactive",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("round", sa.String, nullable=False),
        sa.Column("cursor", sa.String, nullable=False),
        sa.Column("media", INT, nullable=False),
        sa.Column("looked", INT, nullable=False),
        sa.Column("found", INT, nullable=False),
        sa.Column("unseen", INT, nullable=False),
        sa.Column("began_at", INT, nullable=False),
        sa.Column("ended_at", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "registration_id", "round", name="pk_likeness_retroactive"),
    )
