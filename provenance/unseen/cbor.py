"""CBOR that can be read in one way only (RFC 8949). Runs in the worker; what it reads is hostile.

Rules
- Definite lengths, text keys in maps (a header's are integers), each once, and nothing after the value.
- Of tags those of dates alone, around a text or a number, which are dropped: no object is ever made of what is read.
- Depth and number of items are bounded before anything is made.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 50_000
"""Values in all that is read for one claim: an action list of a long edit has some thousands."""

DATE_TAGS: Final = (0, 1)
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_ONE_BYTE, _EIGHT_BYTES = 24, 27
"""How a head says that its argument takes one byte more, or two, four, eight."""

_SIMPLE_OR_FLOAT: Final = 7
_SIMPLE: Final = {20: False, 21: True, 22: None, 23: None}


class CborError(ValueError):
    """It is not CBOR, or not in the form that is read here."""


class Budget:
    """How many values may still be read."""

    def __init__(self, items: int = MAX_ITEMS) -> None:
        self._left = items

    def take(self) -> None:
        """Raises CborError when there are too many."""
        self._left -= 1
        if self._left < 0:
            raise CborError("it is nested too deep, or holds too much")


def decode(data: bytes, budget: Budget | None = None) -> Any:
    """The value: int, float, str, bytes, bool, None, list, dict. Raises CborError."""
    reader = _Reader(data, budget or Budget())
    value = reader.value(MAX_DEPTH)
    if reader.at != len(data):
        raise CborError("something follows the value")
    return value


class _Reader:
    def __init__(self, data: bytes, budget: Budget) -> None:
        self._data, self._budget = data, budget
        self.at = 0

    def value(self, depth: int) -> Any:
        self._budget.take()
        if not depth:
            raise CborError("it is nested too deep, or holds too much")
        major, argument, extra = self._head()
        if major in _READ:
            return _READ[major](self, argument, depth - 1)
        if major == _SIMPLE_OR_FLOAT and extra in _FLOATS:
            return struct.unpack(_FLOATS[extra], argument.to_bytes(2 ** (extra - _ONE_BYTE)))[0]
        if major == _SIMPLE_OR_FLOAT and extra in _SIMPLE:
            return _SIMPLE[extra]
        raise CborError(f"type {major} with {argument} is not read here")

    def list(self, count: int, depth: int) -> list[Any]:
        return [self.value(depth) for _ in range(self._count(count))]

    def date(self, tag: int, depth: int) -> Any:
        if tag not in DATE_TAGS:
            raise CborError(f"the tag {tag} is not read here")
        value = self.value(depth)
        if not isinstance(value, str if tag == DATE_TAGS[0] else int | float) or isinstance(value, bool):
            raise CborError(f"the tag {tag} is around something that is no date")
        return value

    def map(self, pairs: int, depth: int) -> dict[int | str, Any]:
        found: dict[int | str, Any] = {}
        for _ in range(self._count(pairs)):
            key = self.value(depth)
            if not isinstance(key, int | str) or isinstance(key, bool) or key in found:
                raise CborError("a map has a key twice, or one that is neither text nor a number")
            found[key] = self.value(depth)
        return found

    def _head(self) -> tuple[int, int, int]:
        """Major type, argument, and the five bits that said how long that is."""
        first = self.take(1)[0]
        major, extra = first >> 5, first & 31
        if extra < _ONE_BYTE:
            return major, extra, extra
        if extra > _EIGHT_BYTES:
            raise CborError("its lengths are not all definite")
        return major, int.from_bytes(self.take(2 ** (extra - _ONE_BYTE))), extra

    def _count(self, count: int) -> int:
        """Every item takes a byte at least."""
        if count > len(self._data) - self.at:
            raise CborError("it ends too early")
        return count

    def text(self, size: int) -> str:
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise CborError("a text is not UTF-8") from error

    def take(self, size: int) -> bytes:
        if size > len(self._data) - self.at:
            raise CborError("it ends too early")
        taken = self._data[self.at : self.at + size]
        self.at += size
        return taken


_READ: Final[Mapping[int, Callable[[_Reader, int, int], Any]]] = {
    0: lambda _, number, __: number,
    1: lambda _, number, __: -1 - number,
    2: lambda reader, size, _: reader.take(size),
    3: lambda reader, size, _: reader.text(size),
    4: _Reader.list,
    5: _Reader.map,
    6: _Reader.date,
}
"""By major type."""
