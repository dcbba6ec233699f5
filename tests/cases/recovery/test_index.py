"""Which rows a fingerprint leads to, where more are near than are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from cases.recovery import index as indexed
from cases.recovery.index import Findable
from cases.recovery.signed import PDQ, PUBLIC
from detection.copies.fingerprint import HASH_BYTES
from detection.near.follower import Index
from detection.near.generation import Generation
from ledger.ids import TenantId

PROBE = np.zeros((1, HASH_BYTES), dtype=np.uint8)
OURS, THEIRS = TenantId("ten_ours"), TenantId("ten_theirs")


def at(distance: int) -> bytes:
    """A fingerprint so many bits from the probe."""
    return ((1 << distance) - 1).to_bytes(HASH_BYTES)


def holding(**parts: list[tuple[int, int]]) -> Index:
    """Rows and how far they are, by whose part they lie in."""
    index = Index()
    for whose, rows in parts.items():
        generation = Generation(HASH_BYTES)
        generation.put([row for row, _ in rows], [at(distance) for _, distance in rows])
        index.generations[*PDQ, {"public": PUBLIC}.get(whose, whose)] = generation
    return index


def test_a_flood_leaves_the_nearest_and_what_was_signed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "MAX_NEAR", 2)
    monkeypatch.setattr(indexed, "MAX_FIRST", 1)
    index = holding(public=[(900 + row, 0) for row in range(50)] + [(7, 30), (8, 29)])
    assert Findable(index, None).near(PDQ, PROBE, 31) == {7: 30, 900: 0, 901: 0}


def test_what_others_keep_private_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "MAX_NEAR", 1)
    monkeypatch.setattr(indexed, "MAX_FIRST", 1)
    index = holding(public=[(9, 20)], ten_ours=[(3, 5)], ten_theirs=[(row, 0) for row in (1, 2, 4, 5)])
    assert Findable(index, None).near(PDQ, PROBE, 31) == {9: 20}
    assert Findable(index, OURS).near(PDQ, PROBE, 31) == {9: 20, 3: 5}
    assert Findable(index, THEIRS).near(PDQ, PROBE, 31) == {9: 20, 1: 0}


def test_a_row_counts_once_by_its_nearest() -> None:
    index = holding(public=[(4, 9), (4, 3), (4, 12)])
    assert Findable(index, None).near(PDQ, np.repeat(PROBE, 2, axis=0), 31) == {4: 3}
