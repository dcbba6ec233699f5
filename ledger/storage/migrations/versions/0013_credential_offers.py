"""The tables of identity/openid4vci: offers under way to wallets, and nonces that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "credential_offer",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("api_key_id", sa.String),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_credential_offer"),
    )
    op.create_index("ix_credential_offer_digest", "credential_offer", ["digest"], unique=True)
    op.create_index("ix_credential_offer_expires_at", "credential_offer", ["expires_at"])
    op.create_table(
        "spent_nonce",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_spent_nonce"),
    )
    op.create_index("ix_spent_nonce_expires_at", "spent_nonce", ["expires_at"])
