"""Time-stamps of checkpoints, and the roots they were verified under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "stamp",
        sa.Column("size", INT, nullable=False, autoincrement=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("time", INT, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_stamp"),
        sa.ForeignKeyConstraint(["size"], ["checkpoint.size"], name="fk_stamp_checkpoint"),
    )
    op.create_table(
        "stamp_root",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("pem", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_stamp_root"),
    )
