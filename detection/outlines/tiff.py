"""The outline of a TIFF or BigTIFF file: its directories, and that every strip or tile lies in the file (TIFF 6.0).

Rules
- One page: c2pa-rs does not carry a second through signing. Directories within it (EXIF, GPS) are walked too.
- Unsigned samples of at most 16 bits, in compressions that have been read safely for long; the old JPEG is not.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.limits import MAX_PIXELS, MAX_SEGMENTS, MAX_SIDE, at_most
from detection.outlines.outline import Bytes, Meter, Outline

_BYTES: Final[Mapping[int, int]] = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
"""How long one value of each type is."""

_WHOLE: Final[Mapping[int, str]] = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""The types of whole numbers."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANES = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _FORMAT = 322, 323, 324, 325, 339
_DIRECTORIES: Final = frozenset({330, 34665, 34853, 40965})
_COLOURS, _JPEG_TABLES, _C2PA = 320, 347, 52545
_PICTURE: Final = frozenset({_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _COLOURS, _JPEG_TABLES, _C2PA})
_COMPRESSIONS: Final = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
"""None, CCITT, LZW, JPEG, Deflate (two numbers), PackBits."""

_YCBCR, _JPEG, _RAW = 6, 7, 1
_MAX_SAMPLES = 8


@dataclass(frozen=True)
class _Layout:
    """How numbers are written: byte order, and the sizes that tell BigTIFF from TIFF."""

    order: str
    offset: str
    count: str

    def read(self, data: Bytes, form: str, position: int) -> tuple[int, ...]:
        form = self.order + form
        if position + struct.calcsize(form) > len(data):
            raise TruncatedMediaError(kind=Kind.TIFF)
        return struct.unpack_from(form, data, position)


@dataclass(frozen=True)
class _Field:
    """One field of a directory, and where its values lie."""

    tag: int
    type: int
    count: int
    start: int
    inline: bool

    @property
    def size(self) -> int:
        return _BYTES[self.type] * self.count


def outline(data: Bytes) -> Outline:
    """Walk the whole file. Raises the subclasses of MediaError."""
    layout, first = _header(data)
    fields, following = _directory(data, layout, first)
    if following:
        raise UnsupportedMediaError(kind="a TIFF file with several pages")
    _count(data, layout, fields, {first})
    values = _Values(data, layout, {field.tag: field for field in fields})
    width, height = values.one(_WIDTH), values.one(_HEIGHT)
    if width and height and max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS:
        _check_samples(values)
        _check_pieces(values, width, height, len(data))
    return Outline(width, height)


def _header(data: Bytes) -> tuple[_Layout, int]:
    order = "<" if data[:2] == b"II" else ">"
    (version,) = _Layout(order, "I", "H").read(data, "H", 2)
    layout, at = (_Layout(order, "Q", "Q"), 8) if version == 43 else (_Layout(order, "I", "H"), 4)
    return layout, layout.read(data, layout.offset, at)[0]


def _directory(data: Bytes, layout: _Layout, position: int) -> tuple[list[_Field], int]:
    """The fields of a directory, and where the next one begins, 0 for nowhere."""
    (count,) = layout.read(data, layout.count, position)
    at_most("segments", MAX_SEGMENTS, count)
    position += struct.calcsize(layout.count)
    width = 4 + 2 * struct.calcsize(layout.offset)
    fields = [_field(data, layout, position + width * index) for index in range(count)]
    return fields, layout.read(data, layout.offset, position + width * count)[0]


def _field(data: Bytes, layout: _Layout, position: int) -> _Field:
    tag, kind, count = layout.read(data, f"HH{layout.offset}", position)
    if kind not in _BYTES:
        raise CorruptMediaError(kind=Kind.TIFF, reason="a field of no known type")
    start, room = position + 4 + struct.calcsize(layout.offset), struct.calcsize(layout.offset)
    inline = _BYTES[kind] * count <= room
    field = _Field(tag, kind, count, start if inline else layout.read(data, layout.offset, start)[0], inline)
    if field.start + field.size > len(data):
        raise TruncatedMediaError(kind=Kind.TIFF)
    return field


def _count(data: Bytes, layout: _Layout, fields: list[_Field], met: set[int]) -> None:
    """Hold the fields, and those of the directories within, to the limits; no directory is met twice."""
    meter, waiting = Meter(), list(fields)
    while waiting:
        field = waiting.pop()
        meter.count(0 if field.inline or field.tag in _PICTURE else field.size)
        for position in _numbers(data, layout, field) if field.tag in _DIRECTORIES else ():
            if position in met:
                raise CorruptMediaError(kind=Kind.TIFF, reason="its directories form a circle")
            met.add(position)
            waiting += _directory(data, layout, position)[0]


def _numbers(data: Bytes, layout: _Layout, field: _Field) -> tuple[int, ...]:
    if field.type not in _WHOLE:
        raise CorruptMediaError(kind=Kind.TIFF, reason=f"field {field.tag} is not a whole number")
    at_most("segments", MAX_SEGMENTS, field.count)
    return layout.read(data, f"{field.count}{_WHOLE[field.type]}", field.start)


@dataclass(frozen=True)
class _Values:
    """The numbers in the fields of a page."""

    data: Bytes
    layout: _Layout
    fields: Mapping[int, _Field]

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Raises CorruptMediaError, MediaTooLargeError."""
        return _numbers(self.data, self.layout, self.fields[tag]) if tag in self.fields else default

    def one(self, tag: int, default: int | None = None) -> int:
        """Raises CorruptMediaError, also where nothing is and nothing stands for it."""
        values = self.all(tag) or (() if default is None else (default,))
        if not values:
            raise CorruptMediaError(kind=Kind.TIFF, reason=f"field {tag} is missing")
        return values[0]


def _check_samples(values: _Values) -> None:
    """Raises UnsupportedMediaError for samples and compressions that no decoder here is trusted with."""
    compression, photometric = values.one(_COMPRESSION, _RAW), values.one(_PHOTOMETRIC, 0)
    bits = values.all(_BITS, (1,))
    if compression not in _COMPRESSIONS or (photometric == _YCBCR and compression != _JPEG):
        raise UnsupportedMediaError(kind=f"TIFF of colours {photometric} in compression {compression}")
    if set(values.all(_FORMAT, (1,))) != {1} or max(bits, default=1) > 16:
        raise UnsupportedMediaError(kind="TIFF of signed, fractional or long samples")
    if photometric == 0 and max(bits, default=1) > 8:
        raise UnsupportedMediaError(kind="TIFF whose zero is white, of more than 8 bits")
    at_most("samples of a pixel", _MAX_SAMPLES, max(len(bits), values.one(_SAMPLES, 1)))


def _check_pieces(values: _Values, width: int, height: int, size: int) -> None:
    """Hold strips or tiles to the file: as many as the picture takes, each within the file, none too short."""
    tiled = _TILES in values.fields
    if tiled and _STRIPS in values.fields:
        raise CorruptMediaError(kind=Kind.TIFF, reason="it has strips and tiles, of which each reader shows other ones")
    wide, high = (values.one(_TILE_WIDTH), values.one(_TILE_HEIGHT)) if tiled else (width, values.one(_ROWS, height))
    if not tiled:
        high = min(high, height)
    if not wide or not high:
        raise CorruptMediaError(kind=Kind.TIFF, reason="its pieces have no pixels")
    at_most("pixels on one side of a tile", MAX_SIDE, max(wide, high))
    at_most("pixels in a tile", MAX_PIXELS, wide * high)
    starts = values.all(_TILES if tiled else _STRIPS)
    lengths = values.all(_TILE_BYTES if tiled else _STRIP_BYTES)
    samples, planar = values.one(_SAMPLES, 1), values.one(_PLANES, 1) == 2
    wanted = -(-width // wide) * -(-height // high) * (samples if planar else 1)
    if len(starts) != len(lengths) or len(starts) < wanted:
        raise CorruptMediaError(kind=Kind.TIFF, reason="pieces of its picture are missing")
    if any(start + length > size for start, length in zip(starts, lengths, strict=True)):
        raise TruncatedMediaError(kind=Kind.TIFF)
    row = -(-wide * max(values.all(_BITS, (1,)), default=1) * (1 if planar else samples) // 8)
    rows = high * wanted if tiled else height * (samples if planar else 1)
    if values.one(_COMPRESSION, _RAW) == _RAW and sum(lengths) < row * rows:
        raise CorruptMediaError(kind=Kind.TIFF, reason="pieces of its picture are too short")
