"""The tables of detection/copies: fingerprints of registered pictures, what an index follows, common pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "picture_bank",
        sa.Column("tenant_id", sa.String, primary_key=True),
        sa.Column("changes", INT, nullable=False),
    )
    op.create_table(
        "picture_fingerprint",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("owner_id", sa.String, nullable=False),
        sa.Column("row", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "owner_id", name="pk_picture_fingerprint"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner_id"],
            ["subject_key.tenant_id", "subject_key.id"],
            name="fk_picture_fingerprint_subject_key",
        ),
    )
    op.create_index("ix_picture_fingerprint_tenant_id_row", "picture_fingerprint", ["tenant_id", "row"], unique=True)
    op.create_table(
        "common_picture",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("pdq", sa.String, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "pdq", name="pk_common_picture"),
    )
