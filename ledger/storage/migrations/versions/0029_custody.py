"""Custody: who brought an asset, hand-overs, and what other deployments said of files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("asset", sa.Column("brought_by", sa.String, nullable=True))
    op.create_table(
        "handover",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("offer_id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("from_principal", sa.String, nullable=False),
        sa.Column("to_principal", sa.String, nullable=False),
        sa.Column("offered_at", INT, nullable=False),
        sa.Column("accepted_at", INT),
        sa.Column("entry_id", sa.String),
        sa.PrimaryKeyConstraint("tenant_id", "offer_id", name="pk_handover"),
        sa.ForeignKeyConstraint(["tenant_id", "asset_id"], ["asset.tenant_id", "asset.id"], name="fk_handover_asset"),
    )
    op.create_index("ix_handover_tenant_id_asset_id", "handover", ["tenant_id", "asset_id"])
    op.create_index(
        "ix_handover_tenant_id_to_principal_offer_id", "handover", ["tenant_id", "to_principal", "offer_id"]
    )
    op.create_table(
        "custody_import",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("manifest_label", sa.String, nullable=False),
        sa.Column("imported_at", INT, nullable=False),
        sa.Column("found", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entry_id", name="pk_custody_import"),
    )
    op.create_index("ix_custody_import_tenant_id_manifest_label", "custody_import", ["tenant_id", "manifest_label"])
