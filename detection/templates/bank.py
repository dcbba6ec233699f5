"""The rows of registered faces: sealed when they come, opened for an index or for a comparison, gone with their owner.

Rules
- `prepared` does what is slow before the unit of work; `insert` and `remove` touch rows, and count the change.
- Whatever erases an owner's key removes their rows in the same unit of work (`Subjects.on_erase`).
- Removing leaves the numbers of the rows that are gone, for the indexes that still hold them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, bindparam, delete, func, insert, select, update

from detection.errors import RotationChangedError
from detection.near.follower import Changed, Changes
from detection.templates.rotations import Rotations, newest
from detection.templates.sealed import FaceKey, Place
from detection.templates.tables import FaceBank, FaceRemoval, FaceTemplate
from detection.templates.template import Embedding, encode, to_bytes, vectors
from keys.clock import Entropy
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import SubjectId, TenantId
from ledger.storage.database import Database
from ledger.storage.tables import SubjectKey

REMEMBERED: Final = 100_000
"""Changes for which removals are kept: an index that missed more is built anew."""

ASKED_AT_ONCE: Final = 500
"""Rows or owners named in one statement."""


@dataclass(frozen=True)
class Model:
    """The face model whose embeddings are compared."""

    name: str
    """With its version: `name@version`."""

    dimensions: int


@dataclass(frozen=True)
class Prepared:
    """Everything about an owner's faces that takes time, done."""

    tenant: TenantId
    owner: SubjectId
    rotation: int
    model: str
    photos: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    """Template and embedding of each, sealed."""


@dataclass(frozen=True)
class Opened:
    """An embedding, opened for one comparison."""

    owner: SubjectId
    embedding: bytes = field(repr=False)


class Bank:
    """The templates of every tenant. Safe to call from many threads."""

    def __init__(
        self, database: Database, subjects: Subjects, rotations: Rotations, model: Model, entropy: Entropy
    ) -> None:
        """`model`: the face model that makes what is prepared here."""
        self.model, self.rotations = model, rotations
        self._database, self._subjects, self._entropy = database, subjects, entropy
        subjects.on_erase(self.remove)

    def prepared(self, owner: Subject, embeddings: Sequence[Embedding]) -> Prepared:
        """Encode and seal an owner's faces, before the unit of work that stores them.

        Raises EmbeddingRefusedError, KeyStoreUnavailableError.
        """
        found, key = vectors(embeddings, self.model.dimensions), FaceKey.of(owner)
        rotation = self.rotations.current(owner.tenant)
        templates = encode(found, self.rotations.matrix(owner.tenant, rotation, self.model.dimensions))
        photos = []
        for n, (template, embedding) in enumerate(zip(templates, found, strict=True)):
            place = Place(n, self.model.name)
            sealed = key.seal_template(place, rotation, template.tobytes(), self._entropy)
            photos.append((sealed, key.seal_embedding(place, to_bytes(embedding), self._entropy)))
        return Prepared(owner.tenant, owner.id, rotation, self.model.name, tuple(photos))

    def insert(self, connection: Connection, prepared: Prepared) -> None:
        """Store them in a unit of work, their owner before them. Raises RotationChangedError: prepare them again."""
        if newest(connection, prepared.tenant) != prepared.rotation:
            raise RotationChangedError(f"rotation {prepared.rotation} is no longer the newest: prepare again")
        whose = {"tenant_id": prepared.tenant, "owner_id": prepared.owner}
        made = {"rotation": prepared.rotation, "model": prepared.model}
        first = count_changes(connection, prepared.tenant, len(prepared.photos))
        rows = [
            whose
            | made
            | {"n": n, "row": first + n, "changed": first + n, "template": template, "embedding": embedding}
            for n, (template, embedding) in enumerate(prepared.photos)
        ]
        connection.execute(insert(FaceTemplate), rows)

    def remove(self, connection: Connection, tenant: TenantId, owner: SubjectId) -> None:
        """Remove an owner's rows in a unit of work; an owner who has none is no fault."""
        its = (FaceTemplate.tenant_id == tenant, FaceTemplate.owner_id == owner)
        rows = connection.execute(select(FaceTemplate.row).where(*its)).scalars().all()
        if not rows:
            return
        change = count_changes(connection, tenant, 1)
        connection.execute(delete(FaceTemplate).where(*its))
        connection.execute(insert(FaceRemoval), [{"tenant_id": tenant, "row": row, "change": change} for row in rows])
        old = (FaceRemoval.tenant_id == tenant, FaceRemoval.change <= change - REMEMBERED)
        connection.execute(delete(FaceRemoval).where(*old))

    def counted(self, tenant: TenantId) -> int:
        """How many changes there were: 0 where nobody ever registered."""
        found = self._database.look(tenant, _COUNTED, {"tenant": tenant})
        return found["changes"] if found else 0

    def changes(self, tenant: TenantId, since: int, limit: int) -> Changes:
        """What changed since, oldest first, `limit` rows at most.

        Raises KeyStoreUnavailableError, SealBrokenError for a row that is not what was stored.
        """
        new = (FaceTemplate.tenant_id == tenant, FaceTemplate.changed > since)
        gone = (FaceRemoval.tenant_id == tenant, FaceRemoval.change > since)
        with self._database.read(tenant) as connection:
            counted = _counted(connection, tenant)
            found = connection.execute(_TEMPLATES.where(*new).order_by(FaceTemplate.changed).limit(limit)).all()
            removed = connection.execute(select(FaceRemoval.row).where(*gone)).scalars().all()
        rows = [self._changed(tenant, one) for one in found]
        upto = found[-1].changed if len(found) == limit else counted
        return Changes(upto, counted, rows, removed, counted - REMEMBERED)

    def opened(self, tenant: TenantId, rows: Sequence[int]) -> list[Opened]:
        """The embeddings of these rows, but of those that are gone. Raises as `changes`."""
        return list(self._opened(tenant, _OF_ROWS, rows))

    def opened_of(self, tenant: TenantId, owners: Collection[SubjectId]) -> list[Opened]:
        """The embeddings of these owners. Raises as `changes`."""
        return list(self._opened(tenant, _OF_OWNERS, sorted(owners)))

    def of_other_models(self, tenant: TenantId, owners: Collection[SubjectId]) -> int:
        """How many templates of these owners another face model made."""
        wanted, found = sorted(owners), 0
        theirs = select(func.count(FaceTemplate.n)).where(
            FaceTemplate.tenant_id == tenant, FaceTemplate.model != self.model.name
        )
        with self._database.read(tenant) as connection:
            for start in range(0, len(wanted), ASKED_AT_ONCE):
                some = FaceTemplate.owner_id.in_(wanted[start : start + ASKED_AT_ONCE])
                found += connection.execute(theirs.where(some)).scalar_one()
        return found

    def _opened(self, tenant: TenantId, asked: Executable, wanted: Sequence[object]) -> Iterator[Opened]:
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            some = {"tenant": tenant, "model": self.model.name, "wanted": wanted[start : start + ASKED_AT_ONCE]}
            with self._database.read(tenant) as connection:
                found = connection.execute(asked, some).all()
            for owner, n, epoch, wrapped, sealed in found:
                key = FaceKey.of(self._subjects.unwrap(tenant, owner, epoch, wrapped))
                yield Opened(owner, key.open_embedding(Place(n, self.model.name), sealed))

    def _changed(self, tenant: TenantId, row: Row[*tuple[Any, ...]]) -> Changed:
        key = FaceKey.of(self._subjects.unwrap(tenant, row.owner_id, row.epoch, row.wrapped))
        template = key.open_template(Place(row.n, row.model), row.rotation, row.template)
        return Changed(row.row, (row.rotation, row.model), template)


def count_changes(connection: Connection, tenant: TenantId, changes: int) -> int:
    """Count so many changes in a unit of work; the number of the first."""
    counting = update(FaceBank).where(FaceBank.tenant_id == tenant).values(changes=FaceBank.changes + changes)
    return connection.execute(counting.returning(FaceBank.changes)).scalar_one() - changes + 1


def _counted(connection: Connection, tenant: TenantId) -> int:
    return connection.execute(_COUNTED, {"tenant": tenant}).scalar() or 0


_ITS_KEY = (SubjectKey.tenant_id == FaceTemplate.tenant_id) & (SubjectKey.id == FaceTemplate.owner_id)
WITH_KEY: Final = select(FaceTemplate.owner_id, FaceTemplate.n, SubjectKey.epoch, SubjectKey.wrapped).join(
    SubjectKey, _ITS_KEY
)
"""Rows with the key of their owner, as it is stored: read in one statement, so that they fit each other."""

_TEMPLATES = WITH_KEY.add_columns(
    FaceTemplate.row, FaceTemplate.changed, FaceTemplate.rotation, FaceTemplate.model, FaceTemplate.template
)
# Built once: each search runs these.
_COUNTED = select(FaceBank.changes).where(FaceBank.tenant_id == bindparam("tenant"))
_OPENED = WITH_KEY.add_columns(FaceTemplate.embedding).where(
    FaceTemplate.tenant_id == bindparam("tenant"), FaceTemplate.model == bindparam("model")
)
_OF_ROWS = _OPENED.where(FaceTemplate.row.in_(bindparam("wanted", expanding=True)))
_OF_OWNERS = _OPENED.where(FaceTemplate.owner_id.in_(bindparam("wanted", expanding=True)))
