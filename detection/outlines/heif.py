"""The outline of a HEIC or AVIF file: its boxes, and the sizes of its items (ISO/IEC 23008-12).

Rules
- Every item's size is held to the limits, tiles and alpha too; the picture is the primary item's, or for a sequence the
  track's.
- What is decoded, the primary item and those that add to it (alpha), is coded pictures, or tiles of them that make just
  the size that the item has.
- Cropping (`clap`) counts in HEIC, where the decoder applies it; for AVIF it does not.
"""

from __future__ import annotations

import struct
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.limits import MAX_PIXELS, MAX_SIDE, at_most
from detection.outlines.boxes import FULL, Box, Numbers, boxes, first, inner
from detection.outlines.items import Items, items
from detection.outlines.outline import Bytes, Meter, Outline

_BYTES: Final = frozenset({b"mdat", b"uuid", b"free", b"skip"})
"""Boxes that no decoder gathers; a manifest is in one with a UUID."""

_CODED: Final = {Kind.AVIF: b"av01", Kind.HEIC: b"hvc1"}
"""The type of a coded picture."""


def outline(data: Bytes, kind: Kind) -> Outline:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError, UnsupportedMediaError."""
    meter, found = Meter(), dict[bytes, Box]()
    for box in boxes(data, kind):
        meter.count(0 if box.name in _BYTES else box.end - box.start)
        if box.name in found and box.name in (b"meta", b"moov"):
            raise CorruptMediaError(kind=kind, reason="it has two indices")
        found.setdefault(box.name, box)
    moving = data[8:12] == b"avis"
    if b"mdat" not in found and (moving or b"meta" not in found):  # cut between two boxes
        raise TruncatedMediaError(kind=kind)
    try:
        if moving:
            return _sequence(data, kind, found[b"moov"])
        return _picture(data, kind, items(data, kind, found[b"meta"]))
    except (KeyError, IndexError, struct.error, StopIteration) as error:
        raise CorruptMediaError(kind=kind, reason="its boxes do not describe a picture") from error


def _picture(data: Bytes, kind: Kind, found: Items) -> Outline:
    for box in found.properties:
        if box.name == b"ispe":
            width, height = _size(data, [box])
            at_most("pixels on one side", MAX_SIDE, max(width, height))
            at_most("pixels", MAX_PIXELS, width * height)
    for item in {found.primary, *(item for name, item in found.references if name == b"auxl")}:
        if found.types[item] == b"grid":
            _check_tiles(data, kind, found, item)
        elif found.types[item] != _CODED[kind]:
            raise UnsupportedMediaError(kind=f"{kind} of this codec or composition")
    shown = found.properties_of(found.primary)
    cropped = next((box for box in shown if box.name == b"clap" and kind is Kind.HEIC), None)
    return Outline(*(_cropped(data, kind, cropped) if cropped else _size(data, shown)))


def _size(data: Bytes, properties: list[Box]) -> tuple[int, int]:
    """As the first of an item's properties says that says it (section 6.5.3)."""
    width, height = struct.unpack_from(">II", data, next(box.start for box in properties if box.name == b"ispe") + FULL)
    return width, height


def _cropped(data: Bytes, kind: Kind, clap: Box) -> tuple[int, int]:
    """What cropping leaves, in whole pixels (section 6.5.9)."""
    width, of_width, height, of_height = struct.unpack_from(">IIII", data, clap.start)
    if not of_width or not of_height:
        raise CorruptMediaError(kind=kind, reason="it is cropped to no size")
    return round(width / of_width), round(height / of_height)


def _check_tiles(data: Bytes, kind: Kind, found: Items, item: int) -> None:
    """Tiles of one size in rows and columns that are as large as the item, and none beyond it (section 6.6.2.3)."""
    numbers = Numbers(data, kind, found.places[item][0])
    _, flags, rows, columns = numbers.take(1), numbers.take(1), numbers.take(1) + 1, numbers.take(1) + 1
    wide, tiles = 4 if flags & 1 else 2, found.references[b"dimg", item]
    size = width, height = numbers.take(wide), numbers.take(wide)
    sizes = [_size(data, found.properties_of(tile)) for tile in tiles]
    across, down = sizes[0]
    alike = set(sizes) == {(across, down)} and {found.types[tile] for tile in tiles} == {_CODED[kind]}
    fit = (columns - 1) * across < width <= columns * across and (rows - 1) * down < height <= rows * down
    whole = size == _size(data, found.properties_of(item)) and len(tiles) == rows * columns
    if not (alike and fit and whole):
        raise CorruptMediaError(kind=kind, reason="its tiles do not make its picture")


def _sequence(data: Bytes, kind: Kind, moov: Box) -> Outline:
    """The size and frames of the track that is seen; the one with its alpha is another."""
    for track in inner(data, kind, moov):
        if track.name != b"trak":
            continue
        described = first(inner(data, kind, track))
        media = first(inner(data, kind, described[b"mdia"]))
        if data[media[b"hdlr"].start + 8 : media[b"hdlr"].start + 12] != b"pict":
            continue
        width, height = struct.unpack_from(">II", data, described[b"tkhd"].end - 8)
        table = first(inner(data, kind, first(inner(data, kind, media[b"minf"]))[b"stbl"]))
        (frames,) = struct.unpack_from(">I", data, table[b"stsz"].start + 8)
        return Outline(width >> 16, height >> 16, frames)
    raise KeyError
