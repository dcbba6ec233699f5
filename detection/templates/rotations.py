"""The versions of each tenant's rotation key.

Rules
- A version's key is derived from the key of a subject of its own: wrapped by the tenant's epochs, wrapped again when
  they end, and destroyed as any subject is (ADR 0022). The key store needs to know nothing of templates.
- The highest version is for new templates. An older one lives while templates are under it (`renewing`).
- A tenant's first version begins with its first template. It decides nothing: bookkeeping.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache
from sqlalchemy import Connection, func, insert, select

from detection.templates.rotation import Matrix, rotation_matrix
from detection.templates.tables import FaceBank, FaceRotation
from keys.clock import Entropy
from keys.sealing import derive
from ledger.errors import EpochClosedError, SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import SubjectId, TenantId, new_id
from ledger.storage.database import Database

EPOCH_TRIES: Final = 3
HELD: Final = 16
"""Matrices in memory, a quarter of a megabyte each: making one takes some milliseconds."""

_PURPOSE: Final = "sigillo/face-rotation/v1"
_BEGINNING: Final = "face-rotation"


class Rotations:
    """The rotation keys of every tenant. Safe to call from many threads."""

    def __init__(self, database: Database, subjects: Subjects, entropy: Entropy) -> None:
        self._database, self._subjects, self._entropy = database, subjects, entropy
        self._guard = threading.Lock()
        self._held: LRUCache[tuple[SubjectId, int], Matrix] = LRUCache(HELD)
        """Matrices in memory; guarded by `_guard`."""

    def current(self, tenant: TenantId) -> int:
        """The version for new templates; begun if there is none. Raises KeyStoreUnavailableError."""
        if found := self.live(tenant):
            return found[-1]
        with self._database.alone(_BEGINNING):
            if not (found := self.live(tenant)):
                self._begin_first(tenant)
        return self.live(tenant)[-1]

    def live(self, tenant: TenantId) -> Sequence[int]:
        """The versions that there are, rising."""
        versions = select(FaceRotation.version).where(FaceRotation.tenant_id == tenant)
        with self._database.read(tenant) as connection:
            return connection.execute(versions.order_by(FaceRotation.version)).scalars().all()

    def matrix(self, tenant: TenantId, version: int, dimensions: int) -> Matrix:
        """The rotation of that version. Raises SubjectErasedError for one that is gone, KeyStoreUnavailableError."""
        subject = self._subject(tenant, version)
        with self._guard:
            if (held := self._held.get((subject, dimensions))) is not None:
                return held
        made = rotation_matrix(derive(self._subjects.open(tenant, subject).key, _PURPOSE), dimensions)
        with self._guard:
            self._held[subject, dimensions] = made
        return made

    def forget(self) -> None:
        """Drop the matrices in memory, as one of them may be gone; the others are made again."""
        with self._guard:
            self._held.clear()

    def new_subject(self, tenant: TenantId) -> Subject:
        """What the next version's key will follow from; not yet stored. Raises KeyStoreUnavailableError."""
        return self._subjects.create(tenant, SubjectId(new_id("rot", self._entropy)))

    def insert(self, connection: Connection, subject: Subject) -> int:
        """Make it the tenant's newest version; which one. Raises EpochClosedError: wrap it again."""
        self._subjects.insert(connection, subject)
        version = (newest(connection, subject.tenant) or 0) + 1
        row = {"tenant_id": subject.tenant, "version": version, "subject_id": subject.id}
        connection.execute(insert(FaceRotation), row)
        return version

    def _begin_first(self, tenant: TenantId) -> None:
        subject = self.new_subject(tenant)

        def write(connection: Connection) -> None:
            self.insert(connection, subject)
            connection.execute(insert(FaceBank), {"tenant_id": tenant, "changes": 0})

        for _ in range(EPOCH_TRIES):
            try:
                self._database.write(write)
            except EpochClosedError:
                subject = self._subjects.rewrap(subject)
            else:
                return
        raise EpochClosedError("epochs end faster than a rotation key can be wrapped")

    def _subject(self, tenant: TenantId, version: int) -> SubjectId:
        mine = (FaceRotation.tenant_id == tenant, FaceRotation.version == version)
        with self._database.read(tenant) as connection:
            found = connection.execute(select(FaceRotation.subject_id).where(*mine)).scalar()
        if found is None:
            raise SubjectErasedError(f"version {version} of the rotation key is gone")
        return found


def newest(connection: Connection, tenant: TenantId) -> int | None:
    """The version that new templates are made under, in a unit of work."""
    return connection.execute(select(func.max(FaceRotation.version)).where(FaceRotation.tenant_id == tenant)).scalar()
