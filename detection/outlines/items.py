"""The items of a HEIC or AVIF file: what each is, has, and is to others (ISO/IEC 14496-12, section 8.11; ISO/IEC
23008-12, section 9.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detection.errors import CorruptMediaError
from detection.kinds import Kind
from detection.limits import MAX_SEGMENTS, at_most
from detection.outlines.boxes import FULL, Box, Numbers, first, inner
from detection.outlines.outline import Bytes
from detection.outlines.places import places


@dataclass(frozen=True)
class Items:
    """What a `meta` box says; items are known by their numbers."""

    primary: int
    types: Mapping[int, bytes]
    places: Mapping[int, list[Box]]
    """The extents of each."""

    properties: list[Box]
    associations: Mapping[int, list[int]]
    """The properties of each, numbered from 1."""

    references: Mapping[tuple[bytes, int], list[int]]
    """By the type of the reference and the item that refers: to which."""

    def properties_of(self, item: int) -> list[Box]:
        """In order. Raises KeyError."""
        return [self.properties[index - 1] for index in self.associations[item] if 0 < index <= len(self.properties)]


def items(data: Bytes, kind: Kind, meta: Box) -> Items:
    """Raises KeyError and IndexError where it does not describe any; TruncatedMediaError, CorruptMediaError,
    MediaTooLargeError, UnsupportedMediaError.
    """
    parts = list(inner(data, kind, meta, FULL))
    described = first(parts)
    if len(parts) != len(described):
        raise CorruptMediaError(kind=kind, reason="its index says something twice")
    properties = first(inner(data, kind, described[b"iprp"]))
    return Items(
        _primary(data, kind, described[b"pitm"]),
        _types(data, kind, described[b"iinf"]),
        places(data, kind, described[b"iloc"], described.get(b"idat")),
        list(inner(data, kind, properties[b"ipco"])),
        _associations(data, kind, properties[b"ipma"]),
        _references(data, kind, described[b"iref"]) if b"iref" in described else {},
    )


def _primary(data: Bytes, kind: Kind, pitm: Box) -> int:
    numbers = Numbers(data, kind, pitm)
    version, _ = numbers.head()
    return numbers.take(4 if version else 2)


def _types(data: Bytes, kind: Kind, iinf: Box) -> dict[int, bytes]:
    found = dict[int, bytes]()
    for box in inner(data, kind, iinf, FULL + (4 if data[iinf.start] else 2)):
        numbers = Numbers(data, kind, box)
        version, _ = numbers.head()
        item, _ = numbers.take(4 if version == 3 else 2), numbers.take(2)
        found[item] = numbers.take(4).to_bytes(4)
    return found


def _associations(data: Bytes, kind: Kind, ipma: Box) -> dict[int, list[int]]:
    numbers = Numbers(data, kind, ipma)
    version, flags = numbers.head()
    wide, mask = (2, 0x7FFF) if flags & 1 else (1, 0x7F)
    count, found = numbers.take(4), dict[int, list[int]]()
    at_most("segments", MAX_SEGMENTS, count)
    for _ in range(count):
        item = numbers.take(4 if version else 2)
        found[item] = [numbers.take(wide) & mask for _ in range(numbers.take(1))]
    return found


def _references(data: Bytes, kind: Kind, iref: Box) -> dict[tuple[bytes, int], list[int]]:
    wide, found = 4 if data[iref.start] else 2, dict[tuple[bytes, int], list[int]]()
    for box in inner(data, kind, iref, FULL):
        numbers = Numbers(data, kind, box)
        item = numbers.take(wide)
        found[box.name, item] = [numbers.take(wide) for _ in range(numbers.take(2))]
    return found
