"""Batches of uploads, and what was refused of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("expected", INT, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_batch"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_batch_principal"
        ),
    )
    op.create_index("ix_batch_expires_at", "batch", ["expires_at"])
    op.create_table(
        "batch_refusal",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("batch_id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("refusal", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "batch_id", "key", name="pk_batch_refusal"),
    )
    op.create_index("ix_batch_refusal_expires_at", "batch_refusal", ["expires_at"])
    op.add_column("idempotency", sa.Column("batch_id", sa.String, nullable=True))
    op.create_index("ix_idempotency_tenant_id_batch_id", "idempotency", ["tenant_id", "batch_id"])
