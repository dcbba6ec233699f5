"""How often faces are taken for each other, and how often one person's are not, on photos that somebody labelled.

The error rates of biometric verification (ISO/IEC 19795-1): every two photos are one comparison, *mated* when they show
one person. The false match rate (FMR) is the share of other comparisons at or above a threshold, the false non-match
rate (FNMR) that of mated ones below it. Of a group, only its own members are compared: lower scores between groups
would flatter it.

Rules
- Counts, from which rates follow: a rate of nothing is None, never zero.
- Pairs that share a photo are not independent: the rates are this set's, and say little of others while pairs are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

STEPS: Final = 1000
"""Thresholds that are told apart between 0 and 1."""

BLOCK: Final = 1024
"""Photos compared with all others at once: a few megabytes for each ten thousand."""

MAX_PHOTOS: Final = 100_000
"""Five thousand million comparisons: an hour of a core."""

EVERYBODY: Final = "everybody"

Histogram: TypeAlias = npt.NDArray[np.int64]
"""Comparisons by cosine: what lies below 0, then STEPS of equal width, then 1 and above."""


@dataclass(frozen=True)
class Labelled:
    """The one face of a photo, and whose it is."""

    person: str
    group: str
    """Empty where none is labelled."""

    embedding: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True)
class Rate:
    """So many errors in so many comparisons."""

    errors: int
    comparisons: int

    @property
    def share(self) -> float | None:
        """None where nothing was compared."""
        return self.errors / self.comparisons if self.comparisons else None


@dataclass(frozen=True)
class Measured:
    """The comparisons of one group."""

    group: str
    photos: int
    people: int
    mated: Histogram = field(repr=False)
    others: Histogram = field(repr=False)

    def false_matches(self, threshold: float) -> Rate:
        """Different people at or above a threshold."""
        return Rate(int(self.others[_step(threshold) :].sum()), int(self.others.sum()))

    def false_non_matches(self, threshold: float) -> Rate:
        """One person's photos below a threshold."""
        return Rate(int(self.mated[: _step(threshold)].sum()), int(self.mated.sum()))


def measure(photos: Sequence[Labelled]) -> list[Measured]:
    """Everybody, and then each labelled group by name. Raises ValueError for more than MAX_PHOTOS."""
    if len(photos) > MAX_PHOTOS:
        raise ValueError(f"{len(photos)} photos, at most {MAX_PHOTOS} are compared: choose some of them")
    groups = sorted({one.group for one in photos if one.group})
    members = ((group, [one for one in photos if one.group == group]) for group in groups)
    return [_measured(EVERYBODY, photos), *(_measured(group, some) for group, some in members)]


def thresholds() -> list[float]:
    """Those that are told apart, rising."""
    return [step / STEPS for step in range(STEPS + 1)]


def _measured(group: str, photos: Sequence[Labelled]) -> Measured:
    mated, others = (np.zeros(STEPS + 2, np.int64) for _ in range(2))
    for steps, same in _compared(photos):
        mated += np.bincount(steps[same], minlength=STEPS + 2)
        others += np.bincount(steps[~same], minlength=STEPS + 2)
    return Measured(group, len(photos), len({one.person for one in photos}), mated, others)


def _compared(photos: Sequence[Labelled]) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]]:
    """The steps of every two photos' cosines, each pair once, and whether they show one person; block by block."""
    numbers = {person: number for number, person in enumerate(sorted({one.person for one in photos}))}
    faces = np.array([one.embedding for one in photos], np.float64)
    people = np.array([numbers[one.person] for one in photos], np.int64)
    for start in range(0, len(photos), BLOCK):
        rows = slice(start, start + BLOCK)
        cosines = faces[rows] @ faces[start:].T
        once = np.triu(np.ones(cosines.shape, np.bool_), 1)
        steps = np.floor(np.clip(cosines[once], -1 / STEPS, 1) * STEPS + 1e-9).astype(np.int64) + 1
        yield steps, (people[rows, None] == people[None, start:])[once]


def _step(threshold: float) -> int:
    return round(threshold * STEPS) + 1
