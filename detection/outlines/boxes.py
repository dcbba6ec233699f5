"""The boxes that MP4, QuickTime, HEIC and AVIF files are made of, and the numbers in them (ISO/IEC 14496-12,
section 4.2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.limits import MAX_SEGMENTS, at_most
from detection.outlines.outline import Bytes

_SHORT, _LONG = 8, 16
"""Bytes of a header: size and name, and a 64-bit size where the first is 1."""

FULL = 4
"""Bytes of version and flags, with which some boxes begin."""


@dataclass(frozen=True)
class Box:
    """One box: its four-character name, and where its content lies."""

    name: bytes
    start: int
    end: int


class Numbers:
    """The numbers in a box, one after another."""

    def __init__(self, data: Bytes, kind: Kind, box: Box) -> None:
        self._data, self._kind, self._position, self._end = data, kind, box.start, box.end

    def take(self, size: int) -> int:
        """The next one, of so many bytes. Raises CorruptMediaError beyond the end."""
        start, self._position = self._position, self._position + size
        if self._position > self._end:
            raise CorruptMediaError(kind=self._kind, reason="a box ends before what it says")
        return int.from_bytes(self._data[start : self._position])

    def head(self) -> tuple[int, int]:
        """Version and flags."""
        return self.take(1), self.take(3)


def boxes(data: Bytes, kind: Kind, within: Box | None = None) -> Iterator[Box]:
    """The boxes of a file, or those within the content of one.

    Raises TruncatedMediaError where the file ends inside a box, CorruptMediaError where a box leaves the one it is in.
    """
    position, end = (within.start, within.end) if within else (0, len(data))
    while position < end:
        box = _box(data, kind, position, end)
        if box.end > end and within:
            raise CorruptMediaError(kind=kind, reason="a box leaves its place")
        if box.end > end:
            raise TruncatedMediaError(kind=kind)
        yield box
        position = box.end


def inner(data: Bytes, kind: Kind, box: Box, skipped: int = 0) -> Iterator[Box]:
    """The boxes in a box, after so many bytes. Raises what `boxes` does, and MediaTooLargeError."""
    for count, found in enumerate(boxes(data, kind, Box(box.name, box.start + skipped, box.end)), 1):
        at_most("segments", MAX_SEGMENTS, count)
        yield found


def first(found: Iterable[Box]) -> dict[bytes, Box]:
    """The first box of each name."""
    return {box.name: box for box in reversed(list(found))}


def _box(data: Bytes, kind: Kind, position: int, end: int) -> Box:
    if position + _SHORT > end:
        raise TruncatedMediaError(kind=kind)
    size, name = struct.unpack_from(">I4s", data, position)
    header = _SHORT
    if size == 1:
        if position + _LONG > end:
            raise TruncatedMediaError(kind=kind)
        (size,) = struct.unpack_from(">Q", data, position + _SHORT)
        header = _LONG
    elif size == 0:  # to the end
        size = end - position
    if size < header:
        raise CorruptMediaError(kind=kind, reason="a box is smaller than its header")
    return Box(name, position + header, position + size)
