"""The outline of a PNG file: its chunks, checksums verified, up to IEND (PNG, third edition, sections 5 and 11)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter, Outline

_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"caBX", b"acTL", b"fcTL", b"fdAT"})


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, size, promised, played, apart = Meter(), None, 0, 0, 0
    for name, start, length in chunks(data):
        meter.count(0 if name in _PICTURE else length)
        size = size or _size(data, name, start, length)
        if name == b"acTL" and length == 8:
            (promised,) = struct.unpack_from(">I", data, start)
        elif name == b"fcTL":
            played += 1
        elif name == b"IDAT" and not played:
            apart = 1
    if size is None:
        raise CorruptMediaError(kind=Kind.PNG, reason="it has no header")
    if promised != played:
        raise CorruptMediaError(kind=Kind.PNG, reason="it has more or fewer frames than it says")
    return Outline(*size, frames=played + apart if played else 1)


def chunks(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, length) of each chunk's content before IEND, its checksum verified."""
    position, view = 8, memoryview(data)
    with view:
        while True:
            if position + 12 > len(data):
                raise TruncatedMediaError(kind=Kind.PNG)
            length, name = struct.unpack_from(">I4s", data, position)
            end = position + 8 + length
            if end + 4 > len(data):
                raise TruncatedMediaError(kind=Kind.PNG)
            if zlib.crc32(view[position + 4 : end]) != int.from_bytes(data[end : end + 4]):
                raise CorruptMediaError(kind=Kind.PNG, reason="a checksum does not match")
            if name == b"IEND":
                return
            yield name, position + 8, length
            position = end + 4


def _size(data: Bytes, name: bytes, start: int, length: int) -> tuple[int, int]:
    if name != b"IHDR" or length != 13:
        raise CorruptMediaError(kind=Kind.PNG, reason="it has no header")
    width, height = struct.unpack_from(">II", data, start)
    return width, height
