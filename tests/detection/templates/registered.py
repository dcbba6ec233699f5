"""A bank, its index and a matcher over a small running ledger, and people who are no more than random embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from detection.errors import RotationChangedError
from detection.templates.bank import Bank, Model
from detection.templates.index import TemplateIndex
from detection.templates.matcher import Matcher
from detection.templates.rotations import Rotations
from detection.templates.template import Embedding, Vectors
from keys.clock import system_entropy
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId, new_id
from ledger.payload import Draft
from tests.ledger.world import World

MODEL = Model("faces@1", 128)


def unit(vectors: np.ndarray) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def strangers(count: int, seed: int = 0, dimensions: int = MODEL.dimensions) -> Vectors:
    """So many faces that have nothing in common."""
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)))


def alike(face: np.ndarray, cosine: float, seed: int = 1) -> Embedding:
    """Another photo of the same face, so much alike."""
    drawn = np.random.default_rng(seed).normal(size=len(face))
    other = unit(drawn - (drawn @ face) * face)
    return [float(value) for value in cosine * face + np.sqrt(1 - cosine**2) * other]


@dataclass
class House:
    """One process's parts over a database that others may have open."""

    world: World
    model: Model = MODEL
    rotations: Rotations = field(init=False)

    def __post_init__(self) -> None:
        subjects = self.world.ledger.subjects
        self.rotations = Rotations(self.world.database, subjects, system_entropy)
        self.bank = Bank(self.world.database, subjects, self.rotations, self.model, system_entropy)
        self.index = TemplateIndex(self.world.database, self.bank)
        self.matcher = Matcher(self.bank, self.index)

    def register(self, tenant: TenantId, *faces: Embedding, owner: Subject | None = None) -> SubjectId:
        """A person with so many photos."""
        new = owner or self.world.ledger.subjects.create(tenant, SubjectId(new_id("reg", system_entropy)))
        prepared = [self.bank.prepared(new, faces)]

        def work(connection: Connection) -> Sequence[Draft]:
            if owner is None:
                self.world.ledger.subjects.insert(connection, new)
            self.bank.insert(connection, prepared[-1])
            return []

        while True:
            try:
                self.world.ledger.record(work, tenant)
            except RotationChangedError:
                prepared.append(self.bank.prepared(new, faces))
            else:
                return new.id

    def withdraw(self, tenant: TenantId, owner: SubjectId) -> None:
        self.world.erase(tenant, owner)

    def found(self, tenant: TenantId, *faces: Embedding) -> list[SubjectId]:
        return [match.owner for match in self.matcher.match(tenant, faces).matches]
