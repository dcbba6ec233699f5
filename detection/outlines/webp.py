"""The outline of a WebP file: the chunks of its RIFF container (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter, Outline

_PICTURE = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"C2PA", b"ANIM", b"ANMF"})


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, size, frames = Meter(), None, 0
    for name, start, length in chunks(data):
        meter.count(0 if name in _PICTURE else length)
        frames += name == b"ANMF"
        size = size or _size(data, name, start, length)
    if size is None:
        raise CorruptMediaError(kind=Kind.WEBP, reason="it has no picture")
    return Outline(*size, frames=max(1, frames))


def chunks(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, length) of each chunk's content."""
    if len(data) < 12:
        raise TruncatedMediaError(kind=Kind.WEBP)
    position, whole = 12, 8 + struct.unpack_from("<I", data, 4)[0]
    if whole > len(data):
        raise TruncatedMediaError(kind=Kind.WEBP)
    while position < whole:
        if position + 8 > whole:
            raise CorruptMediaError(kind=Kind.WEBP, reason="a chunk is cut")
        name, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > whole:
            raise CorruptMediaError(kind=Kind.WEBP, reason="a chunk is longer than the file")
        yield name, position + 8, length
        position += 8 + length + length % 2


def _size(data: Bytes, name: bytes, start: int, length: int) -> tuple[int, int]:
    if name == b"VP8X" and length >= 10:
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (start + 4, start + 7))
        return width, height
    if name == b"VP8L" and length >= 5:
        bits = int.from_bytes(data[start + 1 : start + 5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and length >= 10:
        width, height = struct.unpack_from("<HH", data, start + 6)
        return width & 0x3FFF, height & 0x3FFF
    raise CorruptMediaError(kind=Kind.WEBP, reason="it has no header")
