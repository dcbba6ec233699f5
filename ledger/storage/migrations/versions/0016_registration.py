"""The tables of identity/registration: registrations, and those of them that a person has to look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "registration",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("own", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("recovery", sa.String, nullable=True),
        sa.Column("credential_id", sa.String, nullable=True),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("expires_at", INT, nullable=False),
        sa.Column("leaving_at", INT, nullable=True),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_registration"),
    )
    for columns in (
        ["tenant_id", "account_id", "created_at"],
        ["tenant_id", "principal_id", "created_at"],
        ["tenant_id", "created_at"],
        ["state", "expires_at"],
        ["state", "leaving_at"],
    ):
        op.create_index(f"ix_registration_{'_'.join(columns)}", "registration", columns)
    op.create_table(
        "registration_hold",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("placed_at", INT, nullable=False),
        sa.Column("decided_at", INT, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_registration_hold"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "registration_id"],
            ["registration.tenant_id", "registration.id"],
            name="fk_registration_hold_registration",
        ),
    )
    whose, waiting = ["tenant_id", "registration_id"], ["tenant_id", "state", "placed_at"]
    op.create_index("ix_registration_hold_tenant_id_registration_id", "registration_hold", whose, unique=True)
    op.create_index("ix_registration_hold_tenant_id_state_placed_at", "registration_hold", waiting)
