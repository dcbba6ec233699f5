"""How many parts a file has, counted before c2pa-rs reads it: each takes it a while, and of boxes beside each other it
passes all for every one that it adds.

Files are counted as c2pa-rs walks them, damaged ones too, as far as they go: whether they are whole is for others to
say. What it reads in no time for its parts is not counted.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from detection.limits import MAX_BOXES, MAX_SEGMENTS, at_most
from detection.outlines.outline import Bytes

_HOLDERS: Final = frozenset(b"moov trak mdia minf stbl moof traf edts udta dinf tref treg mvex mfra meta schi".split())
"""Boxes that it looks into (`bmff_io.rs`)."""

_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"


def count(data: Bytes) -> None:
    """Hold a file of any kind to the limits. Raises MediaTooLargeError."""
    if data[4:8] == b"ftyp":
        _count_boxes(data)
    elif data[:4] == b"RIFF":
        _count(_riff(data))
    elif data[:8] == _PNG:
        _count(_png(data))


def _count_boxes(data: Bytes) -> None:
    """MAX_BOXES beside each other, or as many in several places as take no longer."""
    waiting, boxes, passed = [(0, len(data))], 0, 0
    while waiting:
        for beside, (name, start, end) in enumerate(_siblings(data, *waiting.pop())):
            boxes, passed = boxes + 1, passed + beside
            at_most("segments", MAX_SEGMENTS, boxes)
            at_most("boxes beside each other", MAX_BOXES, math.isqrt(2 * passed))
            if name in _HOLDERS:
                versioned = name == b"meta" and data[start + 4 : start + 8] != b"hdlr"
                waiting.append((start + 4 * versioned, end))


def _siblings(data: Bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each box; one smaller than its header is gone past by what it says."""
    while position + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8]), start + 8
        size = size or end - position
        yield name, start, min(position + size, end)
        position += max(size, 1)


def _count(parts: Iterator[int]) -> None:
    for at, _ in enumerate(parts, 1):
        at_most("segments", MAX_SEGMENTS, at)


def _riff(data: Bytes) -> Iterator[int]:
    position = 12
    while position + 8 <= len(data):
        yield position
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + length + length % 2


def _png(data: Bytes) -> Iterator[int]:
    position = 8
    while position + 12 <= len(data) and data[position + 4 : position + 8] != _PNG_END:
        yield position
        position += 12 + int.from_bytes(data[position : position + 4])
