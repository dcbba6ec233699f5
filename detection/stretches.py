"""Stretches of time: what is taken once in each, and how few there are of a long recording.

A stretch lasts a second, or the least power of two seconds with which a recording has at most so many. Stretches twice
as long follow from those of half the length, so nothing has to be known of the end, and headers may lie about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from typing import Generic, TypeVar

from detection.examination import WindowHash
from detection.limits import MAX_WINDOWS

Look = TypeVar("Look")
"""What is kept of a frame."""

STRETCH: int = 1000
"""Milliseconds of the shortest."""


def milliseconds(ticks: int, time_base: Fraction) -> int:
    """To the nearest, halves up."""
    return (2000 * ticks * time_base.numerator + time_base.denominator) // (2 * time_base.denominator)


class Looks(Generic[Look]):
    """A look at the first frame of each stretch, at most `most` of them. Frames come in the order of their times."""

    def __init__(self, most: int) -> None:
        self._stretch, self._most = STRETCH, most
        self._kept: list[tuple[int, Look]] = []

    def see(self, at: int, look: Callable[[], Look]) -> None:
        """A frame is shown `at` milliseconds; `look` is asked when it is the first of its stretch."""
        if self._kept and at // self._stretch <= self._kept[-1][0] // self._stretch:
            return
        self._kept.append((at, look()))
        if len(self._kept) > self._most:
            self._stretch *= 2
            first: dict[int, tuple[int, Look]] = {}
            for kept in self._kept:
                first.setdefault(kept[0] // self._stretch, kept)
            self._kept = list(first.values())

    def frames(self) -> tuple[Look, ...]:
        """What was kept, in order."""
        return tuple(look for _, look in self._kept)


class Windows:
    """What sounds in each stretch: SHA-256 of the bytes that belong to it; of two that are joined, SHA-256 of their
    hashes, and of one left over at the end, of its hash alone.
    """

    def __init__(self) -> None:
        self._digests = [hashlib.sha256()]

    def add(self, second: int, *pieces: bytes | memoryview) -> None:
        """Bytes of the second that begins `second` seconds in."""
        while len(self._digests) <= second:
            self._digests.append(hashlib.sha256())
        for piece in pieces:
            self._digests[second].update(piece)

    def hashes(self) -> tuple[WindowHash, ...]:
        """From the first second on, without a gap."""
        stretch, hashes = STRETCH, [digest.digest() for digest in self._digests]
        while len(hashes) > MAX_WINDOWS:
            pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
            stretch, hashes = 2 * stretch, [hashlib.sha256(b"".join(pair)).digest() for pair in pairs]
        return tuple(WindowHash(at * stretch, one.hex()) for at, one in enumerate(hashes))
