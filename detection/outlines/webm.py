"""The outline of a WebM file: its elements down to the blocks of every cluster, whole and each in its place.

EBML (RFC 8794, sections 4 to 6 and 11.2), Matroska (RFC 9559, section 5) and the WebM Container Guidelines. A segment
or a cluster that was written live has no size: a segment then reaches to the end of the file, a cluster to the first
element that belongs into none. That such a file was cut between two elements is not to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter

_HEADER, _DOCUMENT_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _TRACKS, _CLUSTER = 0x18538067, 0x1654AE6B, 0x1F43B675
_MEDIA: Final = frozenset({_CLUSTER, 0x1C53BB6B, 0xEC})
"""Clusters, cues and voids: all else in a segment is metadata."""

_OF_CLUSTERS: Final = frozenset({0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854, 0xEC, 0xBF})
"""Time, position and size of the one before; blocks, groups of them, encrypted and silent ones; voids and checksums."""

_MAX_NAME, _MAX_SIZE = 4, 8
"""Bytes that they take."""


@dataclass(frozen=True)
class _Element:
    name: int
    start: int
    end: int
    sized: bool = True
    """False for one that ends where its place does, or before."""


def outline(data: Bytes) -> None:
    """Walk the whole file. Raises UnsupportedMediaError, TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    header = _element(data, 0, len(data))
    if not header.sized or _document_type(data, header) != b"webm":
        raise UnsupportedMediaError(kind="Matroska")
    segment = _element(data, header.end, len(data))
    if segment.name != _SEGMENT:
        raise _corrupt("no segment follows its header")
    meter, names, position = Meter(), set(), segment.start
    while position < segment.end:
        element = _element(data, position, segment.end)
        meter.count(0 if element.name in _MEDIA else element.end - element.start)
        names.add(element.name)
        position = _after_cluster(data, element) if element.name == _CLUSTER else element.end
    if not {_TRACKS, _CLUSTER} <= names:
        raise TruncatedMediaError(kind=Kind.WEBM) if not segment.sized else _corrupt("it has no tracks")


def _document_type(data: Bytes, header: _Element) -> bytes:
    position = header.start
    while position < header.end:
        element = _element(data, position, header.end)
        if element.name == _DOCUMENT_TYPE:
            return data[element.start : element.end].rstrip(b"\0")
        position = element.end
    return b""


def _after_cluster(data: Bytes, cluster: _Element) -> int:
    """Where the elements end that belong to it."""
    position = cluster.start
    while position < cluster.end:
        element = _element(data, position, cluster.end)
        if element.name not in _OF_CLUSTERS:
            if cluster.sized:
                raise _corrupt("a cluster holds what belongs into none")
            return position
        position = element.end
    return position


def _element(data: Bytes, position: int, end: int) -> _Element:
    """The element that begins there, in a place that ends at `end`."""
    name, at, _ = _number(data, position, _MAX_NAME)
    size, start, sized = _number(data, at, _MAX_SIZE)
    if not sized and name not in {_SEGMENT, _CLUSTER}:
        raise _corrupt("an element has no size")
    ends = start + (size & ~(1 << 7 * (start - at))) if sized else end
    if max(start, ends) > end:
        raise TruncatedMediaError(kind=Kind.WEBM) if end == len(data) else _corrupt("an element leaves its place")
    return _Element(name, start, ends, sized)


def _number(data: Bytes, position: int, longest: int) -> tuple[int, int, bool]:
    """A number with the mark of its length, where it ends, and whether it says anything: all ones do not."""
    if position >= len(data):
        raise TruncatedMediaError(kind=Kind.WEBM)
    length = 9 - data[position].bit_length()
    if length > longest:
        raise _corrupt("no element begins where one should")
    if position + length > len(data):
        raise TruncatedMediaError(kind=Kind.WEBM)
    number = int.from_bytes(data[position : position + length])
    return number, position + length, number + 1 != 1 << 7 * length + 1


def _corrupt(reason: str) -> CorruptMediaError:
    return CorruptMediaError(kind=Kind.WEBM, reason=reason)
