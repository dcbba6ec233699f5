"""Registrations know whose key their credential is bound to; nobody counts guesses at recovery codes any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("registration", sa.Column("holder", sa.String, nullable=True))
    op.drop_table("registration_guess")
