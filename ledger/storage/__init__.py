"""Where everything is kept: sessions on SQLite or PostgreSQL, tenancy, tables, migrations, sealed blobs."""
