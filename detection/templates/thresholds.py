"""What a cosine between two faces is called.

Rules
- Versioned: a verdict names the thresholds it was judged by, and other numbers are another version.
- Not calibrated beyond small public sets of well-known faces: same person .594 to .996, different people up to .357,
  one look-alike .494. Whoever runs this measures their own (`sigillo matching evaluate`, docs/limitations.md).
- Twins and look-alikes reach *possible* and more: no band decides anything by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Band(StrEnum):
    """How alike two faces are. Stays inside the service."""

    NO_MATCH = "no_match"
    POSSIBLE = "possible"
    LIKELY = "likely"
    CERTAIN = "certain"


@dataclass(frozen=True)
class Thresholds:
    """The least cosine of each band."""

    name: str
    possible: float
    likely: float
    certain: float

    def band(self, cosine: float) -> Band:
        """What it is called."""
        steps = ((self.certain, Band.CERTAIN), (self.likely, Band.LIKELY), (self.possible, Band.POSSIBLE))
        return next((band for least, band in steps if cosine >= least), Band.NO_MATCH)


THRESHOLDS: Final = Thresholds("sface@1", possible=0.55, likely=0.65, certain=0.75)
