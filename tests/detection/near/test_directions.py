"""Directions are found exactly, by their cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detection.near import generation as generations
from detection.near.directions import as_template, directions

DIMENSIONS = 48


def drawn(count: int, seed: int) -> Any:
    """Directions that are alike, as of real pictures."""
    found = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)) + 1.5
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("reach", [50, 300, 320, 999])
def test_all_that_is_near_enough_is_found_and_nothing_else(monkeypatch: pytest.MonkeyPatch, reach: int) -> None:
    monkeypatch.setattr(generations, "FIRST", 64)
    monkeypatch.setattr(generations, "SEGMENT", 300)
    held, asked = drawn(1000, 1), drawn(5, 2)
    index = directions(4 * DIMENSIONS)
    index.put(range(1000), [one.tobytes() for one in held])
    for probe in asked:
        rows, distances = index.near(as_template(probe), reach)
        away = np.rint((1 - held @ probe) * 1000).astype(int)
        assert dict(zip(rows.tolist(), distances.tolist(), strict=True)) == {
            row: far for row, far in enumerate(away.tolist()) if far <= reach
        }


def test_what_is_dropped_is_not_found_and_the_same_is_no_distance_away() -> None:
    held = drawn(200, 3)
    index = directions(4 * DIMENSIONS)
    index.put(range(200), [one.tobytes() for one in held])
    index.drop(np.arange(0, 200, 2))
    for row in (7, 8):
        rows, distances = index.near(as_template(held[row]), 0)
        assert (rows.tolist(), distances.tolist()) == (([7], [0]) if row == 7 else ([], []))
    assert len(index) == 100
