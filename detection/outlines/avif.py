"""The outline of an AVIF file: its boxes, the sizes of its items, and where their bytes lie (ISO/IEC 23008-12).

Rules
- Every item's size is held to the limits, tiles and alpha too; the picture is the primary item's, or for a sequence the
  track's.
- Every extent of an item lies in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.limits import MAX_PIXELS, MAX_SEGMENTS, MAX_SIDE, at_most
from detection.outlines.boxes import Box, boxes
from detection.outlines.outline import Bytes, Meter, Outline

_BYTES: Final = frozenset({b"mdat", b"uuid", b"free", b"skip"})
"""Boxes that no decoder gathers; a manifest is in one with a UUID."""

_FULL = 4
"""Bytes of version and flags."""


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, found = Meter(), dict[bytes, Box]()
    for box in boxes(data, Kind.AVIF):
        meter.count(0 if box.name in _BYTES else box.end - box.start)
        found.setdefault(box.name, box)
    moving = data[8:12] == b"avis"
    if b"mdat" not in found and (moving or b"meta" not in found):  # cut between two boxes
        raise TruncatedMediaError(kind=Kind.AVIF)
    try:
        if moving:
            return _sequence(data, found[b"moov"])
        return _picture(data, found[b"meta"])
    except (KeyError, IndexError, struct.error, StopIteration) as error:
        raise CorruptMediaError(kind=Kind.AVIF, reason="its boxes do not describe a picture") from error


def _inside(data: Bytes, box: Box, skipped: int = 0) -> Mapping[bytes, Box]:
    """The first box of each name within a box."""
    found = dict[bytes, Box]()
    for inner in boxes(data, Kind.AVIF, Box(box.name, box.start + skipped, box.end)):
        found.setdefault(inner.name, inner)
    return found


def _picture(data: Bytes, meta: Box) -> Outline:
    described = _inside(data, meta, _FULL)
    _check_extents(data, described[b"iloc"])
    properties = _inside(data, described[b"iprp"])
    sizes = _sizes(data, properties[b"ipco"])
    wide = data[described[b"pitm"].start] > 0
    (primary,) = struct.unpack_from(">I" if wide else ">H", data, described[b"pitm"].start + _FULL)
    of_item = _associations(data, properties[b"ipma"])[primary]
    return Outline(*next(sizes[index] for index in of_item if index in sizes))


def _sizes(data: Bytes, container: Box) -> dict[int, tuple[int, int]]:
    """The size that each property gives that gives one; properties are numbered from 1."""
    sizes = dict[int, tuple[int, int]]()
    for index, box in enumerate(boxes(data, Kind.AVIF, container), 1):
        at_most("segments", MAX_SEGMENTS, index)
        if box.name == b"ispe":
            width, height = struct.unpack_from(">II", data, box.start + _FULL)
            at_most("pixels on one side", MAX_SIDE, max(width, height))
            at_most("pixels", MAX_PIXELS, width * height)
            sizes[index] = width, height
    return sizes


def _associations(data: Bytes, ipma: Box) -> dict[int, list[int]]:
    """The properties of each item (ISO/IEC 23008-12, section 9.3)."""
    form, long = ">I" if data[ipma.start] else ">H", data[ipma.start + 3] & 1
    (count,) = struct.unpack_from(">I", data, ipma.start + _FULL)
    at_most("segments", MAX_SEGMENTS, count)
    position, found = ipma.start + _FULL + 4, dict[int, list[int]]()
    for _ in range(count):
        (item,) = struct.unpack_from(form, data, position)
        position += struct.calcsize(form) + 1
        held = struct.unpack_from(f">{data[position - 1]}{'H' if long else 'B'}", data, position)
        position += len(held) * (2 if long else 1)
        found[item] = [index & (0x7FFF if long else 0x7F) for index in held]
    return found


def _check_extents(data: Bytes, iloc: Box) -> None:
    """Hold the extents of items to the file (ISO/IEC 14496-12, section 8.11.3). Raises TruncatedMediaError."""
    version, position = data[iloc.start], iloc.start + _FULL
    sizes = data[position] >> 4, data[position] & 15, data[position + 1] >> 4, data[position + 1] & 15
    offset_size, length_size, base_size, index_size = sizes
    index_size = index_size if version else 0

    def number(size: int) -> int:
        nonlocal position
        if position + size > iloc.end:
            raise CorruptMediaError(kind=Kind.AVIF, reason="it says where nothing is")
        position += size
        return int.from_bytes(data[position - size : position])

    position += 2
    items, extents = number(4 if version == 2 else 2), 0
    for _ in range(items):
        number(4 if version == 2 else 2)
        in_file = not (number(2) & 15 if version else 0)
        number(2)
        base, count = number(base_size), number(2)
        extents += count
        at_most("segments", MAX_SEGMENTS, extents)
        for _ in range(count):
            number(index_size)
            start, length = number(offset_size), number(length_size)
            if in_file and base + start + length > len(data):
                raise TruncatedMediaError(kind=Kind.AVIF)


def _sequence(data: Bytes, moov: Box) -> Outline:
    """The size and frames of the track that is seen; the one with its alpha is another."""
    for track in boxes(data, Kind.AVIF, moov):
        if track.name != b"trak":
            continue
        described = _inside(data, track)
        media = _inside(data, described[b"mdia"])
        if data[media[b"hdlr"].start + 8 : media[b"hdlr"].start + 12] != b"pict":
            continue
        width, height = struct.unpack_from(">II", data, described[b"tkhd"].end - 8)
        table = _inside(data, _inside(data, media[b"minf"])[b"stbl"])
        (frames,) = struct.unpack_from(">I", data, table[b"stsz"].start + 8)
        return Outline(width >> 16, height >> 16, frames)
    raise KeyError
