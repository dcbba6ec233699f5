"""Manifest stores have a table of their own: on SQLite every column that was added behind one was read through it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "manifest_store",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "asset_id", name="pk_manifest_store"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"], name="fk_manifest_store_asset"
        ),
    )
    op.execute(
        "INSERT INTO manifest_store SELECT tenant_id, id, manifest_store FROM asset WHERE manifest_store IS NOT NULL"
    )
    if op.get_bind().dialect.name == "postgresql":  # which drops a column's name alone, and keeps its bytes
        op.execute("UPDATE asset SET manifest_store = NULL WHERE manifest_store IS NOT NULL")
    op.drop_column("asset", "manifest_store")
