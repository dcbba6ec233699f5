"""One bank of faces, protected and in the clear: the same vectors, searched in turn by the same probes.

Identities are directions drawn at random, or with something in common, as real faces have: how alike these are,
`sigillo matching evaluate` measures on an operator's own photos.
"""

from __future__ import annotations

import ctypes
import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias
from unittest.mock import patch

import numpy as np
from sqlalchemy import Connection

from benchmarks.window import percentile
from detection.generations.absence import leave
from detection.generations.generations import Generations
from detection.templates.matcher import MAX_FACES, Matcher
from detection.templates.template import Embedding, Vectors
from detection.templates.thresholds import Thresholds
from keys.clock import system_entropy
from ledger.ids import SubjectId, TenantId
from tests.detection.templates.registered import MODEL, House, names, on_disk, seeded, unit

COSINES: Final = (0.35, 0.45, 0.55, 0.65, 0.75)
"""How alike a probe is to the one whose other photo it is."""

AT_ONCE: Final = 50_000
"""People who are enrolled in one transaction."""

GONE: Final = 100
"""Who have left the index when it is committed to, and are proved absent by that."""

EVERYBODY: Final = Thresholds("benchmark@1", possible=-1.0, likely=0.99, certain=0.99)
"""Whoever is nearest counts, however far: what ranking asks."""

Search: TypeAlias = Callable[[Embedding], int]
"""The place, in the order of enrolling, of whoever is most alike; -1 for nobody."""


@dataclass(frozen=True)
class Side:
    """One way to search, and what it took to get there."""

    search: Search
    build_seconds: float
    megabytes: float


@dataclass(frozen=True)
class Ranked:
    """What a side did with the probes of each cosine."""

    milliseconds: list[float]
    found: dict[float, float]
    """Share of probes whose nearest was the right one."""


@dataclass
class FaceBank:
    """So many enrolled people, and the house that found them."""

    house: House
    tenant: TenantId
    owners: list[SubjectId]
    faces: Vectors
    enrol_seconds: float
    chance: np.random.Generator
    alike: float
    """The mean cosine between two of them."""

    def protected(self) -> Side:
        """Our own, from rows to the first answer."""
        places = {owner: place for place, owner in enumerate(self.owners)}
        ranking = Matcher(self.house.bank, self.house.index, EVERYBODY)

        def search(probe: Embedding) -> int:
            matches = ranking.match(self.tenant, [probe]).matches
            return places[matches[0].owner] if matches else -1

        with _measured() as cost:
            self.house.index.follow(self.tenant)
        return Side(search, *cost)

    def flat(self) -> Side:
        """Faiss FlatIP over plaintext floats: exact."""
        return self._faiss(lambda faiss: faiss.IndexFlatIP(MODEL.dimensions))

    def hnsw(self) -> Side:
        """Faiss HNSW over plaintext floats: quick to ask, slow to build, approximate."""

        def made(faiss: Any) -> Any:
            index = faiss.IndexHNSWFlat(MODEL.dimensions, 24, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efSearch = 256
            return index

        return self._faiss(made)

    def ranked(self, sides: dict[str, Side], each: int) -> dict[str, Ranked]:
        """The sides in turn, probe by probe, `each` at every cosine."""
        spent: dict[str, list[float]] = {name: [] for name in sides}
        right = {name: dict.fromkeys(COSINES, 0.0) for name in sides}
        for cosine, place, probe in self._probes(each):
            for name, side in sides.items():
                began = time.perf_counter()
                found = side.search(probe)
                spent[name].append(1000 * (time.perf_counter() - began))
                right[name][cosine] += (found == place) / each
        return {name: Ranked(spent[name], right[name]) for name in sides}

    def false_alarms(self, probes: int) -> int:
        """How many of so many strangers match anybody, at the thresholds that ship."""
        alarms = 0
        for start in range(0, probes, MAX_FACES):
            strangers = _drawn(self.chance, min(MAX_FACES, probes - start), self.alike)
            alarms += len(self.house.matcher.match(self.tenant, strangers.tolist()).matches)
        return alarms

    def opened(self, probes: int) -> tuple[float, float]:
        """How many embeddings a search opens: for a stranger, and for another photo of somebody at .55. Medians."""
        photos = [probe for cosine, _, probe in self._probes(probes) if cosine == 0.55]
        strangers = _drawn(self.chance, probes, self.alike).tolist()
        bank, found = self.house.bank, []
        for faces in (strangers, photos):
            with patch.object(bank, "opened", wraps=bank.opened) as opened:
                for face in faces:
                    self.house.matcher.match(self.tenant, [face])
            found.append(median(len(call.args[1]) for call in opened.call_args_list))
        return found[0], found[1]

    def committed(self) -> float:
        """Processor seconds from the rows to a generation of the index with proofs for GONE who left it."""
        self.house.database.write(self._leave)
        began = time.process_time()
        Generations(self.house.ledger, self.house.database, system_entropy).round()
        return time.process_time() - began

    def _leave(self, connection: Connection) -> None:
        for name in names(GONE):
            leave(connection, self.tenant, name, 0)

    def _probes(self, each: int) -> Iterator[tuple[float, int, Embedding]]:
        for _ in range(each):
            for cosine in COSINES:
                place = int(self.chance.integers(len(self.faces)))
                face, drawn = self.faces[place], self.chance.normal(size=MODEL.dimensions)
                away = unit(drawn - (drawn @ face) * face)
                yield cosine, place, (cosine * face + math.sqrt(1 - cosine**2) * away).tolist()

    def _faiss(self, made: Callable[[Any], Any]) -> Side:
        import faiss

        faiss.omp_set_num_threads(1)  # as ours: one search is one thread's
        index = made(faiss)
        with _measured() as cost:
            index.add(self.faces)

        def search(probe: Embedding) -> int:
            return int(index.search(np.asarray([probe], dtype=np.float32), 1)[1][0, 0])

        return Side(search, *cost)


@contextmanager
def enrolled(folder: Path, count: int, alike: float = 0.0) -> Iterator[FaceBank]:
    """So many people in a bank of their own, on SQLite with embedded keys; `alike`: the mean cosine between two."""
    folder.mkdir()
    chance = np.random.default_rng(count)
    faces = np.concatenate([_drawn(chance, AT_ONCE, alike) for _ in range(0, count, AT_ONCE)])[:count]
    with on_disk(folder) as house:
        tenant = house.ledger.create_tenant("benchmark")
        began, called = time.perf_counter(), names(count)
        owners = [
            owner
            for start in range(0, count, AT_ONCE)
            for owner in seeded(house, tenant, faces[start : start + AT_ONCE], called=called[start : start + AT_ONCE])
        ]
        yield FaceBank(house, tenant, owners, faces, time.perf_counter() - began, chance, alike)


def _drawn(chance: np.random.Generator, count: int, alike: float) -> Vectors:
    """Each is its own direction, and as long in one that all share as makes two of them `alike`."""
    own, shared = unit(chance.normal(size=(count, MODEL.dimensions))), np.zeros(MODEL.dimensions)
    shared[0] = math.sqrt(alike)
    return unit(math.sqrt(1 - alike) * own + shared)


@contextmanager
def _measured() -> Iterator[list[float]]:
    """Seconds that the block takes, and megabytes that it leaves behind in memory."""
    gc.collect()
    before, began = _resident(), time.perf_counter()
    cost: list[float] = []
    yield cost
    seconds = time.perf_counter() - began
    gc.collect()
    cost += [seconds, _resident() - before]


def _resident() -> float:
    # What was freed and not given back would hide what is taken next.
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def spread(ranked: Ranked) -> tuple[float, float]:
    """p50 and p99, in milliseconds."""
    return percentile(ranked.milliseconds, 50), percentile(ranked.milliseconds, 99)
