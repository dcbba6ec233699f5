"""What withdrawing from identity/registration keeps: notices to be sent, and how often a code was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_index("ix_registration_id", "registration", ["id"], unique=True)
    op.create_table(
        "registration_notice",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("about_at", INT, nullable=False),
        sa.Column("due_at", INT, nullable=True),
        sa.Column("tries", INT, nullable=False),
        sa.Column("sent_at", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "registration_id", "about", "about_at", name="pk_registration_notice"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "registration_id"],
            ["registration.tenant_id", "registration.id"],
            name="fk_registration_notice_registration",
        ),
    )
    op.create_index("ix_registration_notice_due_at", "registration_notice", ["due_at"])
    op.create_table(
        "registration_guess",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("registration_id", sa.String, nullable=False),
        sa.Column("begun_at", INT, nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "registration_id", name="pk_registration_guess"),
    )
    op.create_index("ix_registration_guess_begun_at", "registration_guess", ["begun_at"])
