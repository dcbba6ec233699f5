"""Who invited one of the staff, so that what a removed one left behind lets nobody in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("staff", sa.Column("invited_by", sa.String, nullable=True))
