"""The rows that say which sealed file belongs to which asset; the files themselves are `ledger.storage.blobs`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from ledger.forgetting.subjects import Subject
from ledger.ids import BlobId, TenantId
from ledger.storage.blobs import Blob, BlobStore
from ledger.storage.database import Database
from ledger.storage.tables import Blob as BlobRow
from ledger.storage.tenancy import SystemSession


def insert_blobs(connection: Connection, kept: Iterable[tuple[Subject, Blob, int]]) -> None:
    """The rows of stored blobs, whose they are and when they end; inside the unit of work that makes them so."""
    rows = [
        {
            "tenant_id": subject.tenant,
            "id": blob.id,
            "subject_id": subject.id,
            "size": blob.size,
            "expires_at": expires_at,
        }
        for subject, blob, expires_at in kept
    ]
    connection.execute(insert(BlobRow), rows)


def delete_blob(connection: Connection, tenant: TenantId, blob: BlobId) -> None:
    """Forget a blob; inside a unit of work, before the file is unlinked."""
    connection.execute(delete(BlobRow).where(BlobRow.tenant_id == tenant, BlobRow.id == blob))


def blob_size(connection: Connection, tenant: TenantId, blob: BlobId) -> int | None:
    """Bytes of plaintext; None when no row knows the blob."""
    mine = select(BlobRow.size).where(BlobRow.tenant_id == tenant, BlobRow.id == blob)
    return connection.execute(mine).scalar()


def sweep_strays(database: Database, blobs: BlobStore, min_age: timedelta = timedelta(0)) -> int:
    """Set aside every file that no row references; how many went.

    An upload's file is there before its row: once uploads are served, give an age that none of them reaches.
    """
    with database.read(SystemSession.SWEEP) as connection:
        referenced = set(connection.execute(select(BlobRow.id)).scalars())
    return blobs.sweep(referenced, min_age)
