"""Who gives entries their place: one writer on SQLite, an elected leader on PostgreSQL."""
