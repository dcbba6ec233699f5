"""Whether two pictures show the same face, as far as a model can tell: a verdict, of which the numbers stay inside.

No claim is made that a living person was before a camera: a print, a screen or a mask may have been.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from detection.faces.found import Face
from detection.templates.thresholds import THRESHOLDS, Band

SAME_PICTURE: Final = 0.995
"""Cosine that two photographs of one person hardly reach, and plain copies of one do; a copy that was worked on does
not (docs/limitations.md)."""


class Alike(StrEnum):
    """The verdict."""

    MATCHES = "matches"
    UNCLEAR = "unclear"
    """Alike, and not enough: relatives are, and bad pictures of one person."""

    DIFFERS = "does_not_match"


VERDICTS: Final = {
    Band.CERTAIN: Alike.MATCHES,
    Band.LIKELY: Alike.MATCHES,
    Band.POSSIBLE: Alike.UNCLEAR,
    Band.NO_MATCH: Alike.DIFFERS,
}


@dataclass(frozen=True)
class Likeness:
    """How alike two faces are."""

    band: Band = field(repr=False)
    cosine: float = field(repr=False)

    @property
    def verdict(self) -> Alike:
        """What may be told of it."""
        return VERDICTS[self.band]


def likeness(face: Face, others: Iterable[Face]) -> Likeness:
    """Of a face and whichever of the others is most like it; of none, *does not match*."""
    cosines = (sum(map(operator.mul, face.embedding, other.embedding)) for other in others)
    best = max(cosines, default=-1.0)
    return Likeness(THRESHOLDS.band(best), best)
