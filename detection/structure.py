"""The outline of a file, walked before anything decodes it: size in pixels, metadata, whether it is whole.

Decoders are forgiving where a signer must not be: Pillow skips the checksums of PNG image data and reads a
WebP whose container lies about its length. A walk touches headers only, except for PNG's checksums.

Rules
- A file that ends before its format's end mark is truncated; one that contradicts its format is corrupt.
- Bytes after the end mark are allowed: phones append further pictures (MPO), depth maps and clips there.
- Animation is refused here, before a decoder could meet it.

Specifications: ITU-T T.81 annex B; PNG (third edition) section 5; RFC 9649.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import TypeAlias

from detection.errors import AnimatedMediaError, CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.limits import MAX_METADATA_BYTES, MAX_SCANS, MAX_SEGMENTS, at_most

Bytes: TypeAlias = bytes | mmap

_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""The next marker in coded data, where stuffed zeros and restart marks belong to the data. It starts with one
literal byte, which lets the search run at the speed of memchr."""

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN, _JPEG_END, _JPEG_APP0, _JPEG_APP11, _JPEG_COMMENT = 0xDA, 0xD9, 0xE0, 0xEB, 0xFE
_PNG_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"caBX"})
_PNG_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_WEBP_PICTURE = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"C2PA"})
_WEBP_ANIMATION = frozenset({b"ANIM", b"ANMF"})
_WEBP_ANIMATED_FLAG = 0x02


@dataclass(frozen=True)
class Outline:
    """What the headers say: pixels as stored, before any orientation."""

    width: int
    height: int


def outline(data: Bytes, kind: Kind) -> Outline:
    """Walk the whole file.

    Raises TruncatedMediaError, CorruptMediaError, AnimatedMediaError, MediaTooLargeError.
    """
    return _WALKS[kind](data)


def _jpeg(data: Bytes) -> Outline:
    size, meter, scans = None, _Meter(), 0
    for marker, start, end in jpeg_segments(data):
        gathered = marker == _JPEG_COMMENT or (_JPEG_APP0 <= marker <= 0xEF and marker != _JPEG_APP11)
        meter.count(end - start if gathered else 0)
        if marker in _JPEG_FRAMES:
            if size is not None or end - start < 6:
                raise CorruptMediaError(kind=Kind.JPEG, reason="its frame header")
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = Outline(width, height)
        elif marker == _JPEG_START_OF_SCAN:
            scans += 1
            at_most("scans", MAX_SCANS, scans)
    if size is None or not scans:
        raise CorruptMediaError(kind=Kind.JPEG, reason="it has no picture")
    return size


def jpeg_segments(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's content up to the end-of-image mark."""
    position = 2
    while True:
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            raise TruncatedMediaError(kind=Kind.JPEG)
        marker, position = found[1][0], found.end()
        if marker == _JPEG_END:
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


def _png(data: Bytes) -> Outline:
    meter, size = _Meter(), None
    for name, start, length in png_chunks(data):
        meter.count(0 if name in _PNG_PICTURE else length)
        if name in _PNG_ANIMATION:
            raise AnimatedMediaError(kind=Kind.PNG)
        if size is None:
            if name != b"IHDR" or length != 13:
                raise CorruptMediaError(kind=Kind.PNG, reason="it has no header")
            size = Outline(*struct.unpack_from(">II", data, start))
    if size is None:
        raise CorruptMediaError(kind=Kind.PNG, reason="it has no header")
    return size


def png_chunks(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
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


def _webp(data: Bytes) -> Outline:
    meter, size = _Meter(), None
    for name, start, length in webp_chunks(data):
        meter.count(0 if name in _WEBP_PICTURE else length)
        if name in _WEBP_ANIMATION:
            raise AnimatedMediaError(kind=Kind.WEBP)
        if size is None:
            size = _webp_size(data, name, start, length)
    if size is None:
        raise CorruptMediaError(kind=Kind.WEBP, reason="it has no picture")
    return size


def webp_chunks(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
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


def _webp_size(data: Bytes, name: bytes, start: int, length: int) -> Outline:
    if name == b"VP8X" and length >= 10:
        if data[start] & _WEBP_ANIMATED_FLAG:
            raise AnimatedMediaError(kind=Kind.WEBP)
        return Outline(*(1 + int.from_bytes(data[at : at + 3], "little") for at in (start + 4, start + 7)))
    if name == b"VP8L" and length >= 5:
        bits = int.from_bytes(data[start + 1 : start + 5], "little")
        return Outline((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if name == b"VP8 " and length >= 10:
        return Outline(*(side & 0x3FFF for side in struct.unpack_from("<HH", data, start + 6)))
    raise CorruptMediaError(kind=Kind.WEBP, reason="it has no header")


class _Meter:
    """Counts segments and the metadata in them, and stops at the limits."""

    def __init__(self) -> None:
        self._segments = self._metadata = 0

    def count(self, metadata: int) -> None:
        self._segments += 1
        self._metadata += metadata
        at_most("segments", MAX_SEGMENTS, self._segments)
        at_most("bytes of metadata", MAX_METADATA_BYTES, self._metadata)


_WALKS: dict[Kind, Callable[[Bytes], Outline]] = {Kind.JPEG: _jpeg, Kind.PNG: _png, Kind.WEBP: _webp}
