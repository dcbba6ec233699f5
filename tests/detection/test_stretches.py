"""Stretches of time: one second each, or the least power of two with which there are few enough."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.examination import FrameHash
from detection.limits import MAX_FRAMES, MAX_WINDOWS
from detection.stretches import Looks, Windows, milliseconds


def looked_at(times: list[int]) -> list[int]:
    looks = Looks[FrameHash](MAX_FRAMES)
    for at in times:
        looks.see(at, lambda at=at: FrameHash(at, 64 * "0", 100))  # type: ignore[misc]
    return [frame.at for frame in looks.frames()]


@given(st.lists(st.integers(0, 4_000_000), min_size=1, max_size=1500).map(sorted))
def test_the_first_frame_of_each_stretch_is_kept(times: list[int]) -> None:
    kept = looked_at(times)
    stretch = 1000
    while len(expected := {at // stretch: at for at in reversed(times)}) > MAX_FRAMES:
        stretch *= 2
    assert kept == sorted(expected.values())


def test_a_frame_out_of_order_is_passed_over() -> None:
    assert looked_at([0, 2500, 1200, 3000]) == [0, 2500, 3000]


def test_windows_are_hashes_of_what_lies_in_them() -> None:
    windows = Windows()
    windows.add(0, b"a", b"b")
    windows.add(2, b"c")
    assert [(window.at, window.sha256) for window in windows.hashes()] == [
        (1000 * second, hashlib.sha256(content).hexdigest()) for second, content in enumerate((b"ab", b"", b"c"))
    ]


@pytest.mark.parametrize("seconds", [MAX_WINDOWS, MAX_WINDOWS + 1, 2 * MAX_WINDOWS + 1, 5 * MAX_WINDOWS])
def test_longer_windows_are_hashes_of_hashes(seconds: int) -> None:
    windows = Windows()
    for second in range(seconds):
        windows.add(second, second.to_bytes(2))
    stretch, leaves = 1, [hashlib.sha256(second.to_bytes(2)).digest() for second in range(seconds)]
    while len(leaves) > MAX_WINDOWS:
        stretch *= 2
        leaves = [hashlib.sha256(b"".join(leaves[at : at + 2])).digest() for at in range(0, len(leaves), 2)]
    found = windows.hashes()
    assert [window.at for window in found] == [1000 * stretch * at for at in range(len(leaves))]
    assert [window.sha256 for window in found] == [leaf.hex() for leaf in leaves]


@pytest.mark.parametrize(
    ("ticks", "base", "expected"),
    [(1, Fraction(1, 1000), 1), (1, Fraction(1, 2000), 1), (1, Fraction(1, 2001), 0), (-1, Fraction(1, 1000), -1)],
)
def test_milliseconds_are_the_nearest(ticks: int, base: Fraction, expected: int) -> None:
    assert milliseconds(ticks, base) == expected
