"""The index of kinds, made of the entries that are there; legal holds."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
WIDTH = 256
ROWS = 4_096
CLASS = re.compile(rb'"kind":"([^"]+)","policy":"([^"]+)"')


def upgrade() -> None:
    kinds = op.create_table(
        "kind_tile",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("policy", sa.String, nullable=False),
        sa.Column("n", INT, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("kind", "policy", "n", name="pk_kind_tile"),
    )
    op.create_table(
        "legal_hold",
        sa.Column("tenant_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("placed_at", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", "subject_id", name="pk_legal_hold"),
    )
    op.create_index("ix_legal_hold_tenant_id_subject_id", "legal_hold", ["tenant_id", "subject_id"])
    if seen := _seen():
        op.bulk_insert(kinds, [{"kind": kind, "policy": policy, "n": n} for kind, policy, n in sorted(seen)])


def _seen() -> set[tuple[str, str, int]]:
    entry = sa.table("entry", sa.column("index"), sa.column("data"))
    stored = sa.select(entry.c.index, entry.c.data).execution_options(yield_per=ROWS)
    rows = op.get_bind().execute(stored)
    found = ((index, CLASS.search(data)) for index, data in rows)
    return {(one[1].decode(), one[2].decode(), index // WIDTH) for index, one in found if one}
