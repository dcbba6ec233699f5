"""What API keys may claim over content that is not seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    for column in ("models", "assertions"):
        op.add_column("api_key", sa.Column(column, sa.String, nullable=False, server_default="[]"))
