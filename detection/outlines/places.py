"""Where the items of a HEIC or AVIF file lie (`iloc`: ISO/IEC 14496-12, section 8.11.3).

Rules
- Every extent lies in the file, or in its box of small data (`idat`).
- c2pa-rs 0.91 moves what lies in the file when it puts a manifest before it, and miswrites two forms of index: the
  signature would be good, and the picture gone. They are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from detection.errors import TruncatedMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.limits import MAX_SEGMENTS, at_most
from detection.outlines.boxes import Box, Numbers
from detection.outlines.outline import Bytes

_IN_FILE, _IN_IDAT = 0, 1
"""Methods of construction; by the third, an item lies in other items."""


@dataclass(frozen=True)
class _Form:
    """How many bytes its numbers have."""

    version: int
    start: int
    length: int
    base: int
    index: int

    @property
    def misread(self) -> bool:
        """c2pa-rs takes the base's width for the index's, which in version 1 it expects always."""
        return self.base != self.index and (self.version == 1 or self.index > 0)


@dataclass(frozen=True)
class _Item:
    number: int
    method: int
    base: int
    extents: list[tuple[int, int]]
    """Start and length."""

    @property
    def moved_twice(self) -> bool:
        """Where the base is 0, c2pa-rs moves it and every extent."""
        return self.method == _IN_FILE and not self.base and any(start for start, _ in self.extents)


def places(data: Bytes, kind: Kind, iloc: Box, idat: Box | None) -> dict[int, list[Box]]:
    """The extents of each item; nothing for one that lies in other items.

    Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError, UnsupportedMediaError.
    """
    numbers = Numbers(data, kind, iloc)
    form = _form(numbers)
    within = {_IN_FILE: Box(b"", 0, len(data)), **({_IN_IDAT: idat} if idat else {})}
    found, extents = dict[int, list[Box]](), 0
    for _ in range(numbers.take(4 if form.version == 2 else 2)):
        item = _item(numbers, form)
        extents += len(item.extents)
        at_most("segments", MAX_SEGMENTS, extents)
        if form.misread or (form.base and item.moved_twice):
            raise UnsupportedMediaError(kind=f"a {kind} file with this form of index (iloc)")
        if item.method in within:
            found[item.number] = [_piece(kind, within[item.method], item.base + start, n) for start, n in item.extents]
    return found


def _form(numbers: Numbers) -> _Form:
    (version, _), sizes = numbers.head(), numbers.take(2)
    return _Form(version, sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0)


def _item(numbers: Numbers, form: _Form) -> _Item:
    number = numbers.take(4 if form.version == 2 else 2)
    method = numbers.take(2) & 15 if form.version else _IN_FILE
    numbers.take(2)
    base, extents = numbers.take(form.base), list[tuple[int, int]]()
    for _ in range(numbers.take(2)):
        numbers.take(form.index)
        extents.append((numbers.take(form.start), numbers.take(form.length)))
    return _Item(number, method, base, extents)


def _piece(kind: Kind, within: Box, start: int, length: int) -> Box:
    piece = Box(b"", within.start + start, within.start + start + length)
    if piece.end > within.end:
        raise TruncatedMediaError(kind=kind)
    return piece
