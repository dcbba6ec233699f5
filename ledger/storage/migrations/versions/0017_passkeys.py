"""The tables of identity/passkeys, and the person behind an account that was opened by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("assurance_account", sa.Column("principal_id", sa.String, nullable=True))
    op.create_table(
        "passkey",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("sign_count", INT, nullable=False),
        sa.Column("backed_up", sa.Boolean, nullable=False),
        sa.Column("bound_at", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_passkey"),
        _account("passkey"),
    )
    op.create_index("ix_passkey_tenant_id_account_id", "passkey", ["tenant_id", "account_id"])
    op.create_index("ix_passkey_tenant_id_mark", "passkey", ["tenant_id", "mark"], unique=True)
    op.create_table(
        "passkey_challenge",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("challenge", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=True),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "challenge", name="pk_passkey_challenge"),
    )
    op.create_index("ix_passkey_challenge_expires_at", "passkey_challenge", ["expires_at"])
    op.create_table(
        "person_token",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("passkey_id", sa.String, nullable=False),
        sa.Column("issued_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "digest", name="pk_person_token"),
        _account("person_token"),
    )
    op.create_index("ix_person_token_tenant_id_account_id", "person_token", ["tenant_id", "account_id"])
    op.create_index("ix_person_token_digest", "person_token", ["digest"], unique=True)
    op.create_index("ix_person_token_expires_at", "person_token", ["expires_at"])


def _account(table: str) -> sa.ForeignKeyConstraint:
    columns = ["assurance_account.tenant_id", "assurance_account.id"]
    return sa.ForeignKeyConstraint(["tenant_id", "account_id"], columns, name=f"fk_{table}_assurance_account")
