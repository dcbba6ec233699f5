from __future__ import annotations

import math

import pytest

from detection.faces.found import FACE_MODEL, Box, Face, Quality
from detection.templates.thresholds import Band
from identity.alike import Alike, likeness


def face(cosine: float) -> Face:
    """One whose cosine to `face(1)` is this."""
    rest = (0.0,) * (FACE_MODEL.dimensions - 2)
    quality = Quality(side=200, sharpness=0.1, turn=0.0, spread=1.0, shadows=40, highlights=220, burnt=0.0, cut=False)
    return Face(Box(0.0, 0.0, 200.0, 200.0), 0.99, quality, (cosine, math.sqrt(1 - cosine**2), *rest))


@pytest.mark.parametrize(
    ("cosine", "verdict", "band"),
    [
        (1.0, Alike.MATCHES, Band.CERTAIN),
        (0.66, Alike.MATCHES, Band.LIKELY),
        (0.64, Alike.UNCLEAR, Band.POSSIBLE),
        (0.56, Alike.UNCLEAR, Band.POSSIBLE),
        (0.54, Alike.DIFFERS, Band.NO_MATCH),
        (-1.0, Alike.DIFFERS, Band.NO_MATCH),
    ],
)
def test_a_verdict_comes_of_the_thresholds(cosine: float, verdict: Alike, band: Band) -> None:
    found = likeness(face(1), [face(cosine)])
    assert (found.verdict, found.band) == (verdict, band)


def test_of_many_the_most_alike_counts_and_of_none_nothing_matches() -> None:
    assert likeness(face(1), [face(0.1), face(0.7), face(0.3)]).verdict is Alike.MATCHES
    assert likeness(face(1), []).verdict is Alike.DIFFERS


def test_numbers_are_not_shown() -> None:
    assert "0." not in repr(likeness(face(1), [face(0.7)]))
