"""How many entries of each kind a day has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "kind_day",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("entries", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
    )
