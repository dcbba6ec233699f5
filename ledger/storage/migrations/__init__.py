"""Alembic migrations of every package, in one line of revisions."""
