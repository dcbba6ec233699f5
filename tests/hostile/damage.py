"""What can be done to any file whose parts are known: it is cut at every boundary, and every number in it lies."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.hostile.structure import Number, Part, parts

_WORDS_OF_A_PART: Final = 24
_PART_BYTES: Final = 4096
"""Longer parts are pixels and samples, not headers."""

_INTEGERS: Final = (b"0", b"-1", b"2147483647", b"4294967296", b"99999999999999999999", b"1 0 R")


@dataclass(frozen=True)
class Case:
    """One hostile file, made when it is asked for."""

    name: str
    make: Callable[[], bytes]

    def __str__(self) -> str:
        return self.name


def damaged(name: str, file: bytes) -> list[Case]:
    """Every damage to one sound file."""
    found = parts(file)
    return [Case(f"{name}: {how}", make) for how, make in (*_cuts(file, found), *_lies(file, found), *_texts(file))]


def _cuts(file: bytes, found: list[Part]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    boundaries = {edge for part in found for edge in (part.start, part.end, *([part.length.at] if part.length else []))}
    for at in sorted({edge + step for edge in boundaries for step in (-1, 0, 1)}):
        if 0 < at < len(file):
            yield f"cut at {at}", partial(_cut, file, at)


def _cut(file: bytes, at: int) -> bytes:
    return file[:at]


def _lies(file: bytes, found: list[Part]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for number in dict.fromkeys(number for part in found for number in _numbers(part)):
        true = number.read(file)
        for value in dict.fromkeys((0, 1, -1, (1 << 8 * number.width - 1) - 1, true - 1, true + 1, len(file) + 1)):
            yield f"{true} at {number.at} is {value}", partial(_mended, number, file, value)


def _numbers(part: Part) -> Iterator[Number]:
    if part.length:
        yield part.length
    if part.end - part.start <= _PART_BYTES:
        width = 4 if part.end - part.start >= 4 else 1
        stop = min(part.end - width + 1, part.start + width * _WORDS_OF_A_PART)
        yield from (Number(at, width, part.order) for at in range(part.start, stop, width))


def _texts(file: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Numbers written as text."""
    for found in re.finditer(rb"(?<=[ \[])\d+(?=[ \n/>\]])", file) if file.startswith(b"%PDF") else ():
        for value in _INTEGERS:
            made = b"".join((file[: found.start()], value, file[found.end() :]))
            yield f"{found[0].decode()} at {found.start()} is {value.decode()}", made.__bytes__


def _mended(number: Number, file: bytes, value: int) -> bytes:
    """The lie, under a checksum that holds, where a reader would look no further otherwise."""
    lying = number.written(file, value)
    if not file.startswith(b"\x89PNG"):
        return lying
    made = bytearray(lying)
    for part in parts(file):
        struct.pack_into(">I", made, part.end, zlib.crc32(made[part.start - 4 : part.end]))
    return bytes(made)
