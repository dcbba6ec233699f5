"""The tables of cases/likeness: people's own logs, holds, checks, what is yet to be looked at. Assets can be held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("asset", sa.Column("held_for", sa.String, nullable=True))
    op.create_table(
        "likeness_match",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("asker", sa.String, nullable=False),
        sa.Column("at", INT, nullable=False),
        sa.Column("response", sa.String, nullable=True),
        sa.Column("response_entry_id", sa.String, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_likeness_match"),
    )
    op.create_index(
        "ix_likeness_match_tenant_id_registration_id_at", "likeness_match", ["tenant_id", "registration_id", "at"]
    )
    op.create_index("ix_likeness_match_tenant_id_asker_at", "likeness_match", ["tenant_id", "asker", "at"])
    op.create_index("ix_likeness_match_at", "likeness_match", ["at"])
    op.create_table(
        "likeness_hold",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("placed_at", INT, nullable=False),
        sa.Column("refused_at", INT, nullable=True),
        sa.Column("appeal", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_likeness_hold"),
        _asset("likeness_hold"),
    )
    for column in ("asset_id", "registration_id", "placed_at"):
        op.create_index(f"ix_likeness_hold_tenant_id_{column}", "likeness_hold", ["tenant_id", column])
    op.create_table(
        "likeness_unchecked",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.Column("next_at", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "asset_id", name="pk_likeness_unchecked"),
        _asset("likeness_unchecked"),
    )
    op.create_index("ix_likeness_unchecked_next_at", "likeness_unchecked", ["next_at"])
    op.create_table(
        "likeness_check",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("at", INT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_likeness_check"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_likeness_check_principal"
        ),
    )
    op.create_index(
        "ix_likeness_check_tenant_id_principal_id_at", "likeness_check", ["tenant_id", "principal_id", "at"]
    )
    op.create_index("ix_likeness_check_at", "likeness_check", ["at"])


def _asset(table: str) -> sa.ForeignKeyConstraint:
    columns = ["asset.tenant_id", "asset.id"]
    return sa.ForeignKeyConstraint(["tenant_id", "asset_id"], columns, name=f"fk_{table}_asset")
