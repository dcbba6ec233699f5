"""The outline of a GIF file: its blocks, up to the trailer (GIF89a, sections 17 to 27)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter, Outline

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL = 0xF9
_HEADER = 13
_C2PA = b"\x0bC2PA_GIF"
"""How the application extension of a manifest begins: no decoder reads it."""


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    if len(data) < _HEADER:
        raise TruncatedMediaError(kind=Kind.GIF)
    width, height = struct.unpack_from("<HH", data, 6)
    meter, frames = Meter(), 0
    for label, start, end in blocks(data):
        gathered = label not in {_IMAGE, _GRAPHIC_CONTROL} and not data[start:end].startswith(_C2PA)
        meter.count(end - start if gathered else 0)
        if label == _IMAGE:
            frames += 1
            left, top, wide, high = struct.unpack_from("<HHHH", data, start)
            if left + wide > width or top + high > height:
                raise CorruptMediaError(kind=Kind.GIF, reason="a frame reaches beyond the screen")
    if not frames:
        raise CorruptMediaError(kind=Kind.GIF, reason="it has no picture")
    return Outline(width, height, frames)


def blocks(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """(label, start, end) of each block's content before the trailer; an image is labelled with its separator."""
    position = _HEADER + _table(data[10])
    while True:
        introducer = _byte(data, position)
        if introducer == _TRAILER:
            return
        if introducer == _IMAGE:
            label, start = _IMAGE, position + 1
            # descriptor, colour table, and one byte: how wide the codes of the picture begin
            position = start + 9 + _table(_byte(data, start + 8)) + 1
        elif introducer == _EXTENSION:
            label, start = _byte(data, position + 1), position + 2
            position = start
        else:
            raise CorruptMediaError(kind=Kind.GIF, reason="no block begins where one should")
        position = _after(data, position)
        yield label, start, position


def _after(data: Bytes, position: int) -> int:
    """Where the sub-blocks end that begin here."""
    while length := _byte(data, position):
        position += 1 + length
    return position + 1


def _table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _byte(data: Bytes, position: int) -> int:
    if position >= len(data):
        raise TruncatedMediaError(kind=Kind.GIF)
    return data[position]
