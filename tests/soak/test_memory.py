"""The memory that a large film takes is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.films import THREE_HUNDRED_MEGABYTES
from benchmarks.memory import BOUND_MEGABYTES, peak_megabytes


@pytest.mark.soak
def test_a_film_of_300_megabytes(tmp_path: Path) -> None:
    peak = peak_megabytes(THREE_HUNDRED_MEGABYTES, tmp_path / "peak")
    print(f"\nmost memory: {peak:.0f} MB")
    assert peak <= BOUND_MEGABYTES
