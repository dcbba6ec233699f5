"""How much room is taken, and how much is left: for whoever must act before there is none."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from ledger.storage.blobs import BlobStore
from ledger.storage.database import Database
from ledger.storage.tables import Blob
from ledger.storage.tenancy import SystemSession


@dataclass(frozen=True)
class Usage:
    """In bytes, of all tenants together."""

    database: int
    """With its write-ahead log, where it is a file."""

    media: int
    """As they were before they were sealed."""

    files: int
    """How many media there are."""

    free: int
    """Where media are kept."""

    total: int


def usage(database: Database, blobs: BlobStore) -> Usage:
    """As of now. Raises DatabaseUnavailableError, BlobStoreUnavailableError."""
    kept = select(func.count(Blob.id), func.coalesce(func.sum(Blob.size), 0))
    with database.read(SystemSession.SWEEP) as connection:
        files, media = connection.execute(kept).one()
    return Usage(_size(database), int(media), files, *blobs.room())


def _size(database: Database) -> int:
    if database.file is not None:
        beside = (database.file, database.file.with_name(f"{database.file.name}-wal"))
        return sum(file.stat().st_size for file in beside if file.exists())
    with database.read(SystemSession.SWEEP) as connection:
        return int(connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one())
