"""The boxes that MP4, QuickTime, HEIF and AVIF files are made of (ISO/IEC 14496-12, section 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes

_SHORT, _LONG = 8, 16
"""Bytes of a header: size and name, and a 64-bit size where the first is 1."""


@dataclass(frozen=True)
class Box:
    """One box: its four-character name, and where its content lies."""

    name: bytes
    start: int
    end: int


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
