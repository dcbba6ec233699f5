"""cases/likeness: decisions about held assets stand and are shown in people's logs; what is due, and common
pictures, are found by an index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("likeness_match", sa.Column("decision", sa.String, nullable=True))
    op.add_column("likeness_match", sa.Column("decided_at", INT, nullable=True))
    op.add_column("likeness_match", sa.Column("decision_entry_id", sa.String, nullable=True))
    op.drop_index("ix_likeness_hold_tenant_id_placed_at", "likeness_hold")
    op.add_column("likeness_hold", sa.Column("whose", sa.String, nullable=False, server_default=""))
    op.add_column("likeness_hold", sa.Column("line_id", sa.String, nullable=True))
    op.add_column("likeness_hold", sa.Column("ended", INT, nullable=False, server_default="0"))
    op.add_column("likeness_hold", sa.Column("released_at", INT, nullable=True))
    op.create_index("ix_likeness_hold_ended", "likeness_hold", ["ended"])
    op.create_index("ix_common_picture_tenant_id_entry_id", "common_picture", ["tenant_id", "entry_id"])
    op.drop_table("likeness_retroactive")
    op.create_table(
        "likeness_retroactive",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("round", sa.String, nullable=False),
        sa.Column("since", INT, nullable=False),
        sa.Column("cursor", sa.String, nullable=False),
        sa.Column("media", INT, nullable=False),
        sa.Column("looked", INT, nullable=False),
        sa.Column("found", INT, nullable=False),
        sa.Column("unseen", INT, nullable=False),
        sa.Column("began_at", INT, nullable=True),
        sa.Column("ended_at", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "registration_id", "round", name="pk_likeness_retroactive"),
    )
    op.create_index("ix_likeness_retroactive_ended_at_since", "likeness_retroactive", ["ended_at", "since"])
