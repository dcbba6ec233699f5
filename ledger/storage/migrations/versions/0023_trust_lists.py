"""The table of cases/trust_lists: whom to trust, list by list, each change a row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "trust_list",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("number", INT, nullable=False, autoincrement=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("issued", sa.String, nullable=False),
        sa.Column("next_update", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("anchors", sa.String, nullable=False),
        sa.Column("changed_at", INT, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_trust_list"),
    )
