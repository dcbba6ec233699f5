"""The tables of detection/templates: rotation keys, registered faces as templates, what an index follows them by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "face_rotation",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("version", INT, nullable=False, autoincrement=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "version", name="pk_face_rotation"),
        _key("face_rotation", "subject_id"),
    )
    op.create_table(
        "face_bank",
        sa.Column("tenant_id", sa.String, primary_key=True),
        sa.Column("changes", INT, nullable=False),
    )
    op.create_table(
        "face_template",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("owner_id", sa.String, nullable=False),
        sa.Column("n", INT, nullable=False, autoincrement=False),
        sa.Column("row", INT, nullable=False),
        sa.Column("changed", INT, nullable=False),
        sa.Column("rotation", INT, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("template", sa.LargeBinary, nullable=False),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "owner_id", "n", name="pk_face_template"),
        _key("face_template", "owner_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "rotation"],
            ["face_rotation.tenant_id", "face_rotation.version"],
            name="fk_face_template_face_rotation",
        ),
    )
    for column in ("row", "changed"):
        op.create_index(f"ix_face_template_tenant_id_{column}", "face_template", ["tenant_id", column], unique=True)
    op.create_index("ix_face_template_tenant_id_rotation", "face_template", ["tenant_id", "rotation"])
    op.create_table(
        "face_removal",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("row", INT, nullable=False, autoincrement=False),
        sa.Column("change", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "row", name="pk_face_removal"),
    )
    op.create_index("ix_face_removal_tenant_id_change", "face_removal", ["tenant_id", "change"])


def _key(table: str, column: str) -> sa.ForeignKeyConstraint:
    columns = ["subject_key.tenant_id", "subject_key.id"]
    return sa.ForeignKeyConstraint(["tenant_id", column], columns, name=f"fk_{table}_subject_key")
