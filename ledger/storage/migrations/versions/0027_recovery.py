"""Assets by the entries that begin and end them: what finds signed files follows the log."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_index("ix_asset_entry_id", "asset", ["entry_id"])
    op.create_index("ix_asset_ended_entry_id", "asset", ["ended_entry_id"])
