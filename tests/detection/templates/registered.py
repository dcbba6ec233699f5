"""A bank, its index and a matcher over a running ledger, and people who are no more than random embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, insert

from detection.errors import RotationChangedError
from detection.generations import decisions as generations
from detection.templates.bank import Bank, Model, count_changes
from detection.templates.decisions import KINDS
from detection.templates.index import TemplateIndex
from detection.templates.matcher import Matcher
from detection.templates.renewing import Renewing
from detection.templates.rotations import Rotations
from detection.templates.sealed import FaceKey, Place
from detection.templates.tables import FaceTemplate
from detection.templates.template import Embedding, Vectors, encode, to_bytes
from keys.clock import system_entropy
from keys.local import LocalKeyStore
from ledger.forgetting.subjects import Subject
from ledger.ids import PrincipalId, SubjectId, TenantId, new_id
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import SubjectKey
from tests.databases import url_of

MODEL = Model("faces@1", 128)
OPERATOR = PrincipalId("prn_operator")


def unit(vectors: np.ndarray) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def strangers(count: int, seed: int = 0, dimensions: int = MODEL.dimensions) -> list[Embedding]:
    """So many faces that have nothing in common."""
    drawn: list[Embedding] = unit(np.random.default_rng(seed).normal(size=(count, dimensions))).tolist()
    return drawn


def alike(face: Embedding, cosine: float, seed: int = 1) -> Embedding:
    """Another photo of the same face, so much alike."""
    return all_alike([face], cosine, seed)[0]


def all_alike(faces: Sequence[Embedding], cosine: float, seed: int = 1) -> list[Embedding]:
    """Another photo of each."""
    known = np.asarray(faces)
    drawn = np.random.default_rng([seed, 2]).normal(size=known.shape)
    others = unit(drawn - (drawn * known).sum(axis=1, keepdims=True) * known)
    photos: list[Embedding] = (cosine * known + np.sqrt(1 - cosine**2) * others).tolist()
    return photos


@dataclass
class House:
    """One process's parts over a database that others may have open."""

    ledger: Ledger
    database: Database
    model: Model = MODEL
    bank: Bank = field(init=False)

    def __post_init__(self) -> None:
        rotations = Rotations(self.database, self.ledger.subjects, system_entropy)
        self.bank = Bank(self.database, self.ledger.subjects, rotations, self.model, system_entropy)
        self.index = TemplateIndex(self.database, self.bank)
        self.matcher = Matcher(self.bank, self.index)
        self.renewing = Renewing(self.ledger, self.database, self.bank, self.index, system_entropy)

    def register(self, tenant: TenantId, *faces: Embedding) -> SubjectId:
        """A person with so many photos."""
        return self.register_all(tenant, [faces])[0]

    def register_all(self, tenant: TenantId, people: Sequence[Sequence[Embedding]]) -> list[SubjectId]:
        """Many, in one unit of work."""
        subjects = self.ledger.subjects
        owners = [subjects.create(tenant, SubjectId(new_id("reg", system_entropy))) for _ in people]
        self.store(tenant, list(zip(owners, people, strict=True)), new=True)
        return [owner.id for owner in owners]

    def store(self, tenant: TenantId, photos: Sequence[tuple[Subject, Sequence[Embedding]]], *, new: bool) -> None:
        prepared = [self.bank.prepared(owner, faces) for owner, faces in photos]

        def work(connection: Connection) -> Sequence[Draft]:
            for (owner, _), one in zip(photos, prepared, strict=True):
                if new:
                    self.ledger.subjects.insert(connection, owner)
                self.bank.insert(connection, one)
            return []

        while True:
            try:
                self.ledger.record(work, tenant)
            except RotationChangedError:
                prepared[:] = [self.bank.prepared(owner, faces) for owner, faces in photos]
            else:
                return

    def erase(self, tenant: TenantId, *owners: SubjectId) -> None:
        def work(connection: Connection) -> Sequence[Draft]:
            for owner in owners:
                self.ledger.subjects.erase(connection, tenant, owner)
            return []

        self.ledger.record(work, tenant)

    def found(self, tenant: TenantId, *faces: Embedding) -> list[SubjectId]:
        return [match.owner for match in self.matcher.match(tenant, faces).matches]

    def begin_renewal(self, tenant: TenantId) -> None:
        self.renewing.begin(tenant, OPERATOR, lambda _connection: None)


@contextmanager
def on_disk(folder: Path) -> Iterator[House]:
    """A house whose keys are on disk too: whoever opens it again, in another process, finds it as it was left."""
    database = Database(url_of(folder / "faces.db"))
    ledger = Ledger(database, LocalKeyStore.open(folder / "keys", embedded_profile=True), (*KINDS, *generations.KINDS))
    ledger.start()
    try:
        yield House(ledger, database)
    finally:
        ledger.close()
        database.close()


def names(count: int) -> list[SubjectId]:
    """So many people's, in order: rows that are written in the order of their keys are written once."""
    return sorted(SubjectId(new_id("reg", system_entropy)) for _ in range(count))


def seeded(
    house: House, tenant: TenantId, faces: Vectors, photos: int = 1, called: Sequence[SubjectId] = ()
) -> list[SubjectId]:
    """Many people with so many of these photos each, in one transaction beside the units of work: as rows would be that
    came one after another. `called`: by these names, instead of new ones.
    """
    called = called or names(-(-len(faces) // photos))
    subjects, model, version = house.ledger.subjects, house.model, house.bank.rotations.current(tenant)
    epoch = house.ledger.epochs.current(tenant)
    templates = encode(faces, house.bank.rotations.matrix(tenant, version, model.dimensions))
    owners, keys, rows = list[SubjectId](), list[dict[str, object]](), list[dict[str, object]]()
    for at, (template, face) in enumerate(zip(templates, faces, strict=True)):
        if at % photos == 0:
            owner = subjects.create_under(epoch, tenant, called[at // photos])
            key = FaceKey.of(owner)
            owners.append(owner.id)
            keys.append({"tenant_id": tenant, "id": owner.id, "epoch": epoch, "wrapped": owner.wrapped})
        place = Place(at % photos, model.name)
        rows.append(
            {"tenant_id": tenant, "owner_id": owner.id, "n": place.n, "rotation": version, "model": model.name}
            | {"template": key.seal_template(place, version, template.tobytes(), system_entropy)}
            | {"embedding": key.seal_embedding(place, to_bytes(face), system_entropy)}
        )

    def write(connection: Connection) -> None:
        first = count_changes(connection, tenant, len(rows))
        connection.execute(insert(SubjectKey), keys)
        connection.execute(
            insert(FaceTemplate), [row | {"row": first + n, "changed": first + n} for n, row in enumerate(rows)]
        )

    house.database.write(write)
    return owners
