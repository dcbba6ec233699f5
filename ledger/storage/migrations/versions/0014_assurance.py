"""The tables of identity/assurance: accounts, requests for evidence, evidence, credentials about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "assurance_account",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("handle", sa.String, nullable=False),
        sa.Column("opened_at", INT, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_assurance_account"),
    )
    op.create_index("ix_assurance_account_tenant_id_handle", "assurance_account", ["tenant_id", "handle"], unique=True)
    op.create_table(
        "assurance_request",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", INT, nullable=False),
        sa.Column("begun_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_assurance_request"),
        _account("assurance_request"),
    )
    op.create_index("ix_assurance_request_id", "assurance_request", ["id"], unique=True)
    op.create_index("ix_assurance_request_tenant_id_account_id", "assurance_request", ["tenant_id", "account_id"])
    op.create_index("ix_assurance_request_tenant_id_target", "assurance_request", ["tenant_id", "target"])
    op.create_table(
        "assurance_evidence",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=True),
        sa.Column("mark", sa.String, nullable=True),
        sa.Column("policy", sa.String, nullable=False),
        sa.Column("granted_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_assurance_evidence"),
        _account("assurance_evidence"),
    )
    op.create_index("ix_assurance_evidence_tenant_id_account_id", "assurance_evidence", ["tenant_id", "account_id"])
    op.create_index("ix_assurance_evidence_tenant_id_mark", "assurance_evidence", ["tenant_id", "mark"])
    op.create_index("ix_assurance_evidence_request_id", "assurance_evidence", ["request_id"])
    op.create_index("ix_assurance_evidence_expires_at", "assurance_evidence", ["expires_at"])
    op.create_index("ix_assurance_evidence_policy", "assurance_evidence", ["policy"])
    op.create_table(
        "assurance_credential",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("credential_id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("doubted", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "credential_id", name="pk_assurance_credential"),
    )
    op.create_index("ix_assurance_credential_tenant_id_account_id", "assurance_credential", ["tenant_id", "account_id"])
    op.create_index("ix_assurance_credential_doubted", "assurance_credential", ["doubted"])
    op.create_index("ix_assurance_credential_expires_at", "assurance_credential", ["expires_at"])


def _account(table: str) -> sa.ForeignKeyConstraint:
    columns = ["assurance_account.tenant_id", "assurance_account.id"]
    return sa.ForeignKeyConstraint(["tenant_id", "account_id"], columns, name=f"fk_{table}_assurance_account")
