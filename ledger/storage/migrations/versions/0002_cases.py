"""The tables of cases/: assets, API keys, idempotency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("visibility", sa.String, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("ended_entry_id", sa.String, nullable=True),
        sa.Column("parent_id", sa.String, nullable=True),
        sa.Column("blob_id", sa.String, nullable=True),
        sa.Column("manifest_label", sa.String, nullable=True),
        sa.Column("details", sa.LargeBinary, nullable=True),
        sa.Column("manifest_store", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_asset"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_asset_principal"
        ),
    )
    op.create_index("ix_asset_manifest_label", "asset", ["manifest_label"])
    op.create_index("ix_asset_state_expires_at", "asset", ["state", "expires_at"])
    op.create_table(
        "api_key",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("tool", sa.String, nullable=False),
        sa.Column("source_types", sa.String, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("revoked_at", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_api_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_api_key_principal"
        ),
    )
    op.create_index("ix_api_key_id", "api_key", ["id"], unique=True)
    op.create_table(
        "idempotency",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "principal_id", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"])
