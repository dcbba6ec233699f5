"""The tables of detection/generations: the last generation of each index, and proofs of who left it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "index_generation",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("changes", INT, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_index_generation"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"], name="fk_index_generation_tenant"),
    )
    op.create_table(
        "index_absence",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("left_at", INT, nullable=False),
        sa.Column("entry_id", sa.String, nullable=True),
        sa.Column("proof", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_index_absence"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"], name="fk_index_absence_tenant"),
    )
    op.create_index("ix_index_absence_id", "index_absence", ["id"], unique=True)
    op.create_index("ix_index_absence_entry_id_tenant_id", "index_absence", ["entry_id", "tenant_id"])
    op.create_index("ix_index_absence_left_at", "index_absence", ["left_at"])
