"""Sessions: a person token that goes on while it is used has an end beyond that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.execute("DELETE FROM person_token")  # of an hour: whoever has one signs in again
    op.add_column("person_token", sa.Column("ends_at", INT, nullable=False, server_default="0"))
