"""The rows of registered pictures: sealed when they come, opened for an index, gone with their owner.

Rules
- `prepared` does what is slow before the unit of work; `insert` and `remove` touch rows, and count the change.
- Whatever erases an owner's key removes their row in the same unit of work (`Subjects.on_erase`).
- Associated data names what it is, tenant and owner: what was swapped between rows does not open.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from detection.copies.fingerprint import FORMS, HASH_BYTES, Fingerprint
from detection.copies.tables import PictureBankRow, PictureFingerprint
from detection.near.follower import Changed, Changes, Kind
from keys.clock import Entropy
from keys.errors import SealBrokenError
from keys.sealing import derive, seal, unseal
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import SubjectId, TenantId
from ledger.storage.database import Database
from ledger.storage.tables import SubjectKey

_PURPOSE: Final = "sigillo/picture/v1"
_BEGINNING: Final = "picture-bank"
ASKED_AT_ONCE: Final = 500
FORM: Final[Kind] = ("form", HASH_BYTES)
"""The one kind that there is: all forms are compared with each other."""


@dataclass(frozen=True)
class Prepared:
    """Everything about a fingerprint that takes time, done."""

    tenant: TenantId
    owner: SubjectId
    sealed: bytes = field(repr=False)


class PictureBank:
    """The fingerprints of every tenant. Safe to call from many threads."""

    def __init__(self, database: Database, subjects: Subjects, entropy: Entropy) -> None:
        self._database, self._subjects, self._entropy = database, subjects, entropy
        subjects.on_erase(self.remove)

    def prepared(self, owner: Subject, fingerprint: Fingerprint) -> Prepared:
        """Seal it, before the unit of work that stores it. Raises DatabaseUnavailableError."""
        self._begin(owner.tenant)
        sealed = seal(_key(owner), fingerprint.to_bytes(), _bound(owner), self._entropy)
        return Prepared(owner.tenant, owner.id, sealed)

    def insert(self, connection: Connection, prepared: Prepared) -> None:
        """Store it in a unit of work, its owner before it."""
        row = _count(connection, prepared.tenant)
        assert row is not None  # begun when it was prepared
        values = {"tenant_id": prepared.tenant, "owner_id": prepared.owner, "row": row, "sealed": prepared.sealed}
        connection.execute(insert(PictureFingerprint), values)

    def remove(self, connection: Connection, tenant: TenantId, owner: SubjectId) -> None:
        """Remove an owner's in a unit of work; an owner who has none is no fault."""
        mine = (PictureFingerprint.tenant_id == tenant, PictureFingerprint.owner_id == owner)
        if connection.execute(delete(PictureFingerprint).where(*mine)).rowcount:
            _count(connection, tenant)

    def counted(self, tenant: TenantId) -> int:
        """How many changes there were: 0 where nobody ever registered a picture."""
        found = self._database.look(tenant, _COUNTED, {"tenant": tenant})
        return found["changes"] if found else 0

    def changes(self, tenant: TenantId, since: int, limit: int) -> Changes:
        """What changed since, oldest first, `limit` rows at most. A number up to `since` that no row has is of one that
        is gone, or was a removal's.

        Raises KeyStoreUnavailableError, SealBrokenError for a row that is not what was stored.
        """
        of_tenant = PictureFingerprint.tenant_id == tenant
        new, held = _ROWS.where(of_tenant, PictureFingerprint.row > since), select(PictureFingerprint.row)
        with self._database.read(tenant) as connection:
            counted = _counted(connection, tenant)
            found = connection.execute(new.order_by(PictureFingerprint.row).limit(limit)).all()
            left = connection.execute(held.where(of_tenant, PictureFingerprint.row <= since)).scalars().all()
        rows = [
            Changed(row, FORM, form)
            for row, owner, sealed, epoch, wrapped in found
            for form in _forms(self._subjects.unwrap(tenant, owner, epoch, wrapped), sealed)
        ]
        upto = found[-1].row if len(found) == limit else counted
        return Changes(upto, counted, rows, sorted(set(range(1, since + 1)).difference(left)))

    def owners(self, tenant: TenantId, rows: Collection[int]) -> set[SubjectId]:
        """Whose these rows are, but of those that are gone."""
        wanted, found = sorted(rows), set[SubjectId]()
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            some = {"tenant": tenant, "wanted": wanted[start : start + ASKED_AT_ONCE]}
            with self._database.read(tenant) as connection:
                found.update(connection.execute(_OWNERS, some).scalars())
        return found

    def _begin(self, tenant: TenantId) -> None:
        """The tenant's count; it decides nothing: bookkeeping."""
        with self._database.alone(_BEGINNING):
            with self._database.read(tenant) as connection:
                mine = select(PictureBankRow.changes).where(PictureBankRow.tenant_id == tenant)
                if connection.execute(mine).scalar() is not None:
                    return
            row = {"tenant_id": tenant, "changes": 0}
            self._database.write(lambda connection: connection.execute(insert(PictureBankRow), row) and None)


def _count(connection: Connection, tenant: TenantId) -> int | None:
    counting = update(PictureBankRow).where(PictureBankRow.tenant_id == tenant)
    counting = counting.values(changes=PictureBankRow.changes + 1)
    return connection.execute(counting.returning(PictureBankRow.changes)).scalar()


def _counted(connection: Connection, tenant: TenantId) -> int:
    return connection.execute(_COUNTED, {"tenant": tenant}).scalar() or 0


def _forms(owner: Subject, sealed: bytes) -> list[bytes]:
    opened = unseal(_key(owner), sealed, _bound(owner))
    if len(opened) != FORMS * HASH_BYTES:
        raise SealBrokenError("a sealed fingerprint is of another length")
    return [opened[start : start + HASH_BYTES] for start in range(0, len(opened), HASH_BYTES)]


def _key(owner: Subject) -> bytes:
    return derive(owner.key, _PURPOSE)


def _bound(owner: Subject) -> bytes:
    return f"picture/v1\0fingerprint\0{owner.tenant}\0{owner.id}".encode()


_ITS_KEY = (SubjectKey.tenant_id == PictureFingerprint.tenant_id) & (SubjectKey.id == PictureFingerprint.owner_id)
_ROWS = select(
    PictureFingerprint.row,
    PictureFingerprint.owner_id,
    PictureFingerprint.sealed,
    SubjectKey.epoch,
    SubjectKey.wrapped,
).join(SubjectKey, _ITS_KEY)
# Built once: each search runs these.
_COUNTED = select(PictureBankRow.changes).where(PictureBankRow.tenant_id == bindparam("tenant"))
_OWNERS = select(PictureFingerprint.owner_id).where(
    PictureFingerprint.tenant_id == bindparam("tenant"),
    PictureFingerprint.row.in_(bindparam("wanted", expanding=True)),
)
