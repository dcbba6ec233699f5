"""The issuer's DID documents, which are only added; and credentials that were issued, without what they say."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
FOR_EVER = "did_document"


def upgrade() -> None:
    op.create_table(
        "did_document",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("number", INT, nullable=False, autoincrement=False),
        sa.Column("document", sa.String, nullable=False),
        sa.Column("signing", sa.String, nullable=False),
        sa.Column("retired", sa.String, nullable=False),
        sa.Column("reasons", sa.String, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_did_document"),
    )
    op.create_table(
        "credential",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("principal_id", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("issued_at", INT, nullable=False),
        sa.Column("ends_at", INT, nullable=True),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_credential"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"], name="fk_credential_principal"
        ),
    )
    _on_sqlite() if op.get_context().dialect.name == "sqlite" else _on_postgresql()


def _on_postgresql() -> None:
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {FOR_EVER} "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def _on_sqlite() -> None:
    for what in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER {FOR_EVER}_no_{what} BEFORE {what} ON {FOR_EVER} "
            f"BEGIN SELECT RAISE(ABORT, 'append-only: {what} of {FOR_EVER} is refused'); END"
        )
