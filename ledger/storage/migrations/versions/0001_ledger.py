"""The tables of ledger/."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("system_subject", sa.String, nullable=False),
        sa.Column("system_principal", sa.String, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenant"),
    )
    op.create_table(
        "principal",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_principal"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"], name="fk_principal_tenant"),
    )
    op.create_table(
        "epoch",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("number", INT, nullable=False, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_epoch"),
    )
    op.create_table(
        "subject_key",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("epoch", INT, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_subject_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "epoch"], ["epoch.tenant_id", "epoch.number"], name="fk_subject_key_epoch"
        ),
    )
    op.create_index("ix_subject_key_tenant_id_epoch", "subject_key", ["tenant_id", "epoch"])
    op.create_table(
        "entry",
        sa.Column("index", INT, nullable=False, autoincrement=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_entry"),
        sa.UniqueConstraint("id", name="uq_entry_id"),
    )
    op.create_table(
        "payload",
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name="pk_payload"),
    )
    op.create_index("ix_payload_tenant_id_subject_id", "payload", ["tenant_id", "subject_id"])
    op.create_table(
        "blob",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("size", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_blob"),
    )
    op.create_index("ix_blob_expires_at", "blob", ["expires_at"])
    op.create_table(
        "tile",
        sa.Column("level", INT, nullable=False, autoincrement=False),
        sa.Column("n", INT, nullable=False, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_tile"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", INT, nullable=False, autoincrement=False),
        sa.Column("note", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoint"),
    )
    op.create_table(
        "log_identity",
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("vkey", sa.String, nullable=True),
        sa.Column("key_version", INT, nullable=True),
        sa.PrimaryKeyConstraint("origin", name="pk_log_identity"),
    )
