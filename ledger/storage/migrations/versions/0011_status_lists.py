"""Status lists of credentials, and who has which place in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "status_list",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("changes", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_status_list"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"], name="fk_status_list_tenant"),
    )
    op.create_index("ix_status_list_tenant_id_number", "status_list", ["tenant_id", "number"], unique=True)
    op.create_index("ix_status_list_id", "status_list", ["id"], unique=True)
    op.create_table(
        "status_place",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("list_id", sa.String, nullable=False),
        sa.Column("place", INT, nullable=False, autoincrement=False),
        sa.Column("credential_id", sa.String, nullable=False),
        sa.Column("status", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "list_id", "place", name="pk_status_place"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["status_list.tenant_id", "status_list.id"], name="fk_status_place_status_list"
        ),
    )
    op.create_index(
        "ix_status_place_tenant_id_credential_id", "status_place", ["tenant_id", "credential_id"], unique=True
    )
