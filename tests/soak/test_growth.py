"""What an append costs does not grow with the log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.growth import grown

ENTRIES = int(os.environ.get("SOAK_ENTRIES", "10000000"))
EARLIER = (1_000, 100_000, 1_000_000)
AT_MOST = 1.3
"""How much dearer an append may be than at the size before the last, of processor time within one run."""


@pytest.mark.soak
def test_an_append_costs_the_same_however_long_the_log(tmp_path: Path) -> None:
    sizes = (*(size for size in EARLIER if size < ENTRIES), ENTRIES)
    found = grown(tmp_path, sizes)
    print("\n" + "\n".join(f"{name.replace('_', ' '):32}{value:>16,.2f}" for name, value in found.items()))
    before, last = (found[f"append_us_at_{size}"] for size in sizes[-2:])
    assert last <= AT_MOST * before
