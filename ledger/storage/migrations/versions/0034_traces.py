"""What assets were found to be, while it holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "trace",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "asset_id", name="pk_trace"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"], ["subject_key.tenant_id", "subject_key.id"], name="fk_trace_subject_key"
        ),
    )
