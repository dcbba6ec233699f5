"""Directions that may be compared with each other, in memory: found by their cosine, among templates as any
(`detection.near.generation`).

Rules
- Exact: every direction is compared with the probe (Faiss, inner product), in 32-bit floats.
- A cosine is told in steps, so that near and far are whole numbers here too: STEPS of 1 less the cosine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detection.embedding.card import STEPS
from detection.near.generation import Generation, Within, faiss_alone, places_of

COMPONENT_BYTES: Final = 4


def directions(width: int) -> Generation:
    """An empty generation, for directions of `width` bytes, of unit length."""
    return Generation(width, compare=_within)


def as_template(direction: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A direction, or several, one a row, as a generation takes it."""
    return np.ascontiguousarray(direction, np.float32).view(np.uint8).reshape(-1, direction.shape[-1] * COMPONENT_BYTES)


def _within(probes: NDArray[np.uint8], templates: NDArray[np.uint8], reach: int) -> Within:
    faiss = faiss_alone()
    asked, held = (np.ascontiguousarray(one).view(np.float32) for one in (probes, templates))
    found = faiss.RangeSearchResult(len(asked))
    pointers = faiss.swig_ptr(asked), faiss.swig_ptr(held)
    least = 1 - (reach + 0.5) / STEPS
    faiss.range_search_inner_product(*pointers, asked.shape[1], len(asked), len(held), least, found)
    which, places, cosines = places_of(found, len(asked))
    return which, places, np.rint((1 - np.minimum(cosines, 1)) * STEPS).astype(np.int32)
