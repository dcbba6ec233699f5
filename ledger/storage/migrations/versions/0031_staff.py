"""Staff: roles of people in tenants, and invitations to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("digest", sa.String),
        sa.Column("invited_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("joined_at", INT),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_staff"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_staff_principal"
        ),
    )
    op.create_index("ix_staff_digest", "staff", ["digest"], unique=True)
    op.create_index("ix_staff_account_id", "staff", ["account_id"], unique=True)
