"""The outline of a JPEG file: its marker segments, up to the end-of-image mark (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.limits import MAX_SCANS, at_most
from detection.outlines.outline import Bytes, Meter, Outline

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""The next marker in coded data, where stuffed zeros and restart marks belong to the data. It starts with one
literal byte, which lets the search run at the speed of memchr."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END, _APP0, _APP11, _COMMENT = 0xDA, 0xD9, 0xE0, 0xEB, 0xFE


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    size, meter, scans = None, Meter(), 0
    for marker, start, end in segments(data):
        gathered = marker == _COMMENT or (_APP0 <= marker <= 0xEF and marker != _APP11)
        meter.count(end - start if gathered else 0)
        if marker in _FRAMES:
            if size is not None or end - start < 6:
                raise CorruptMediaError(kind=Kind.JPEG, reason="its frame header")
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = Outline(width, height)
        elif marker == _START_OF_SCAN:
            scans += 1
            at_most("scans", MAX_SCANS, scans)
    if size is None or not scans:
        raise CorruptMediaError(kind=Kind.JPEG, reason="it has no picture")
    return size


def segments(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's content up to the end-of-image mark."""
    position = 2
    while True:
        found = _MARKER.search(data, position)
        if found is None:
            raise TruncatedMediaError(kind=Kind.JPEG)
        marker, position = found[1][0], found.end()
        if marker == _END:
            return
        if position + 2 > len(data):
            raise TruncatedMediaError(kind=Kind.JPEG)
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise CorruptMediaError(kind=Kind.JPEG, reason="a segment without length")
        if position + length > len(data):
            raise TruncatedMediaError(kind=Kind.JPEG)
        yield marker, position + 2, position + length
        position += length
