"""The outline of a WebP file: the chunks of its RIFF container (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detection.errors import AnimatedMediaError, CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter, Outline

_PICTURE = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"C2PA"})
_ANIMATION = frozenset({b"ANIM", b"ANMF"})
_ANIMATED_FLAG = 0x02


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, size = Meter(), None
    for name, start, length in chunks(data):
        meter.count(0 if name in _PICTURE else length)
        if name in _ANIMATION:
            raise AnimatedMediaError(kind=Kind.WEBP)
        if size is None:
            size = _size(data, name, start, length)
    if size is None:
        raise CorruptMediaError(kind=Kind.WEBP, reason="it has no picture")
    return size


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


def _size(data: Bytes, name: bytes, start: int, length: int) -> Outline:
    if name == b"VP8X" and length >= 10:
        if data[start] & _ANIMATED_FLAG:
            raise AnimatedMediaError(kind=Kind.WEBP)
        return Outline(*(1 + int.from_bytes(data[at : at + 3], "little") for at in (start + 4, start + 7)))
    if name == b"VP8L" and length >= 5:
        bits = int.from_bytes(data[start + 1 : start + 5], "little")
        return Outline((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if name == b"VP8 " and length >= 10:
        return Outline(*(side & 0x3FFF for side in struct.unpack_from("<HH", data, start + 6)))
    raise CorruptMediaError(kind=Kind.WEBP, reason="it has no header")
