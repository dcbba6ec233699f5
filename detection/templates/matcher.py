"""Whose registered face it may be: template → near by Hamming distance → likely by weight → open those → exact cosine →
band.

Rules
- What cannot be looked up is unknown (MatchUnknownError), never an empty answer: a sealed key store, an index older
  than its database, a rotation key that is gone, a row that does not open.
- Few embeddings are opened: those whose template, weighed with the probe, may be of the least band. They are compared
  and dropped.
- Templates of another face model are not comparable and not looked at; how many there were is part of the answer.
- A cosine stays in this process: callers act on bands, and tell nobody even those.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detection.errors import EmbeddingRefusedError
from detection.near.follower import Index
from detection.near.generation import Generation, Measured
from detection.near.tenants import unknown
from detection.templates.bank import Bank, Opened
from detection.templates.index import TemplateIndex, of_others, under_any_rotation
from detection.templates.template import Embedding, Vectors, estimates, from_bytes, rotated, signs, vectors
from detection.templates.thresholds import THRESHOLDS, Band, Thresholds
from ledger.ids import SubjectId, TenantId

REACH: Final = 196
"""Bits of 512 by which a template may differ to be weighed: at the least band's cosine of .55 one in 40,000 differs in
more (161 on average); among a million random strangers some two hundred in fewer."""

LEAST: Final = 0.44
"""What a template must say of the cosine to be opened: at .55 one in 13,000 says less; of a million random strangers
hardly one says as much. With those whom the first half rules out (`index.LEAD_REACH`) one in 3,700 is missed at .55,
one in 140,000 at .60."""

NEAREST: Final = 1_000
"""Embeddings that one face may have opened. Real strangers are more alike than random ones."""

MAX_FACES: Final = 256
"""Of one call."""


@dataclass(frozen=True)
class Match:
    """A registered face that may be one of those asked about."""

    owner: SubjectId
    band: Band
    cosine: float = field(repr=False)


@dataclass(frozen=True)
class Matched:
    """What was found: one match for each owner, the most alike first. None at all is *no match*."""

    matches: tuple[Match, ...]
    thresholds: str
    """The version of the thresholds that bands are named by."""

    model: str
    """The face model, `name@version`."""

    other_models: int
    """Templates that another face model made and that were therefore not looked at: of them nothing is known."""


class Matcher:
    """Looks for faces among a tenant's registered ones. Safe to call from many threads."""

    def __init__(self, bank: Bank, index: TemplateIndex, thresholds: Thresholds = THRESHOLDS) -> None:
        self._bank, self._index, self._thresholds = bank, index, thresholds

    def match(
        self, tenant: TenantId, embeddings: Sequence[Embedding], *, among: Collection[SubjectId] | None = None
    ) -> Matched:
        """Whose faces these may be; `among`: only these owners are asked about.

        Raises MatchUnknownError, EmbeddingRefusedError for what is no embedding or more than MAX_FACES.
        """
        if len(embeddings) > MAX_FACES:
            raise EmbeddingRefusedError(f"{len(embeddings)} faces at once, at most {MAX_FACES} are looked for")
        with unknown("faces"):
            probes = vectors(embeddings, self._bank.model.dimensions)
            if among is None:
                index, model = self._index.current(tenant), self._bank.model.name
                opened = self._bank.opened(tenant, _searched(probes, index, model))
                others = of_others(index, model)
            else:
                opened = self._bank.opened_of(tenant, among)
                others = self._bank.of_other_models(tenant, among)
            return Matched(self._banded(probes, opened), self._thresholds.name, self._bank.model.name, others)

    def _banded(self, probes: Vectors, opened: Sequence[Opened]) -> tuple[Match, ...]:
        compared = from_bytes([one.embedding for one in opened], self._bank.model.dimensions) @ probes.T
        cosines = compared.max(axis=1, initial=-1.0)
        best: dict[SubjectId, float] = {}
        for one, cosine in zip(opened, cosines.tolist(), strict=True):
            if cosine >= self._thresholds.possible:
                best[one.owner] = max(cosine, best.get(one.owner, -1.0))
        matches = (Match(owner, self._thresholds.band(cosine), cosine) for owner, cosine in best.items())
        return tuple(sorted(matches, key=lambda match: (-match.cosine, match.owner)))


def _searched(probes: Vectors, index: Index, model: str) -> list[int]:
    """The rows near any of the probes; once more where a rotation began meanwhile, to which rows may have moved that
    were searched for where they had been.
    """
    while True:
        generations = under_any_rotation(index, model)
        found = _near(probes, generations)
        if under_any_rotation(index, model) == generations:
            return found


def _near(probes: Vectors, generations: Sequence[Generation]) -> list[int]:
    """The rows whose embeddings are worth opening, for any of the probes."""
    under = [(rotated(probes, one.rotation), one) for one in generations if one.rotation is not None]
    wanted: set[int] = set()
    for n in range(len(probes)):
        wanted.update(_nearest([_likely(lengths[n], one, probes.shape[1]) for lengths, one in under]))
    return sorted(wanted)


def _likely(lengths: Vectors, generation: Generation, dimensions: int) -> Measured:
    """Of one probe, rotated: the rows worth opening, and the cosine that each tells."""
    rows, told = generation.measured(signs(lengths), REACH, lambda some: estimates(lengths, some, dimensions))
    return rows[told >= LEAST], told[told >= LEAST]


def _nearest(found: Sequence[Measured]) -> list[int]:
    if not found:
        return []
    rows, told = (np.concatenate(each) for each in zip(*found, strict=True))
    return [int(row) for row in rows[np.argsort(-told, kind="stable")[:NEAREST]]]
