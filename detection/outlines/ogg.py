"""The outline of an Ogg file: pages, whose checksums hold, none missing, and the end of every stream (RFC 3533).

Streams that play one after another (chained) are refused, and so is whatever follows the last page: a reader would look
for further pages in it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.limits import MAX_METADATA_BYTES, MAX_TRACKS, at_most
from detection.outlines.outline import Bytes

_MARK: Final = b"OggS"
_HEADER: Final = struct.Struct("<4sBBqIIIB")
"""Mark, version, flags, position, stream, number in it, checksum, segments."""

_CHECKSUM: Final = slice(22, 26)
_FIRST, _LAST = 2, 4
_NO_SOUND: Final = frozenset({0, -1})
"""Positions of pages in which nothing that plays ends; -1 where no packet does."""

_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass
class _Stream:
    pages: int = 0
    headers: int = 0
    """Bytes before its first sound."""

    plays: bool = False
    ended: bool = False


def outline(data: Bytes) -> None:
    """Walk the whole file. Raises UnsupportedMediaError, TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    streams: dict[int, _Stream] = {}
    position = 0
    while position < len(data):
        position = _page(data, position, streams)
    if not all(stream.ended for stream in streams.values()):
        raise TruncatedMediaError(kind=Kind.OGG)


def _page(data: Bytes, position: int, streams: dict[int, _Stream]) -> int:
    """Take one page; where it ends."""
    if position + _HEADER.size > len(data):
        raise TruncatedMediaError(kind=Kind.OGG)
    mark, _, flags, at, serial, number, checksum, segments = _HEADER.unpack_from(data, position)
    if mark != _MARK:
        raise _corrupt("no page begins where one should")
    body = position + _HEADER.size + segments
    end: int = body + sum(data[position + _HEADER.size : body])
    if max(body, end) > len(data):
        raise TruncatedMediaError(kind=Kind.OGG)
    if page_checksum(data[position:end]) != checksum:
        raise _corrupt("the checksum of a page is wrong")
    if flags & _FIRST:
        _begin(streams, serial)
    _count(streams.get(serial), number, end - position, sounds=at not in _NO_SOUND, last=bool(flags & _LAST))
    return end


def _begin(streams: dict[int, _Stream], serial: int) -> None:
    if any(stream.ended for stream in streams.values()):
        raise UnsupportedMediaError(kind="chained Ogg")
    if serial in streams:
        raise _corrupt("a stream begins twice")
    streams[serial] = _Stream()
    at_most("tracks", MAX_TRACKS, len(streams))


def _count(stream: _Stream | None, number: int, size: int, *, sounds: bool, last: bool) -> None:
    if stream is None or stream.ended or number != stream.pages:
        raise _corrupt("a page is missing or out of its place")
    stream.pages += 1
    stream.plays |= sounds
    stream.headers += 0 if stream.plays else size
    stream.ended = last
    at_most("bytes of metadata", MAX_METADATA_BYTES, stream.headers)


def page_checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04c11db7, highest bit first, from 0, the checksum itself taken as 0 (section 6).

    zlib's is the same, lowest bit first and from all ones: it is given every byte the other way round.
    """
    blank = page[: _CHECKSUM.start] + bytes(4) + page[_CHECKSUM.stop :]
    other_way = zlib.crc32(blank.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(other_way.to_bytes(4).translate(_REVERSED), "little")


def _corrupt(reason: str) -> CorruptMediaError:
    return CorruptMediaError(kind=Kind.OGG, reason=reason)
