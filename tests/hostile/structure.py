"""The parts that files are made of, walked without trust in any reader: where each lies, and where its length stands.

One walk for each syntax, chosen by how a file begins. What none knows is one part.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

Order = Literal["big", "little"]


@dataclass(frozen=True)
class Number:
    """Where a number stands, and how it is written."""

    at: int
    width: int
    order: Order

    def read(self, file: bytes) -> int:
        return int.from_bytes(file[self.at : self.at + self.width], self.order)

    def written(self, file: bytes, value: int) -> bytes:
        """The file with another number there."""
        number = (value % (1 << 8 * self.width)).to_bytes(self.width, self.order)
        return file[: self.at] + number + file[self.at + self.width :]


@dataclass(frozen=True)
class Part:
    """A box, chunk, segment, block, field or object: its content, and the number that says how long it is."""

    start: int
    end: int
    length: Number | None = None
    order: Order = "big"
    """Of the numbers in its content."""


Walk = Callable[[bytes], Iterator[Part]]

_NESTING: Final = {
    **dict.fromkeys(b"moov trak mdia minf stbl udta dinf edts mvex moof traf iprp ipco jumb".split(), 0),
    b"meta": 4,
    b"stsd": 8,
    b"dref": 8,
    b"iinf": 6,
}
"""Boxes that hold boxes, after so many bytes."""


def parts(file: bytes) -> list[Part]:
    """Every part of a sound file, in order."""
    return list(next((walk for fits, walk in _WALKS if fits(file)), _whole)(file))


def boxes(file: bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """Boxes at every depth (ISO/IEC 14496-12; a manifest store is made of them, too)."""
    end = len(file) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", file, start)
        stop = start + size if 8 <= size <= end - start else end
        yield Part(start + 8, stop, Number(start, 4, "big"))
        if name in _NESTING:
            yield from boxes(file, start + 8 + _NESTING[name], stop)
        start = stop


def _riff(file: bytes) -> Iterator[Part]:
    yield Part(8, len(file), Number(4, 4, "little"), "little")
    start = 12
    while start + 8 <= len(file):
        (size,) = struct.unpack_from("<I", file, start + 4)
        yield Part(start + 8, start + 8 + size, Number(start + 4, 4, "little"), "little")
        start += 8 + size + size % 2


def _png(file: bytes) -> Iterator[Part]:
    start = 8
    while start + 12 <= len(file):
        (size,) = struct.unpack_from(">I", file, start)
        yield Part(start + 8, start + 8 + size, Number(start, 4, "big"))
        start += 12 + size


def _jpeg(file: bytes) -> Iterator[Part]:
    for marker in re.finditer(rb"\xff[\xc0-\xcf\xda-\xfe]", file):
        start = marker.end()
        end = start + int.from_bytes(file[start : start + 2])
        yield Part(start + 2, min(end, len(file)), Number(start, 2, "big"))


def _gif(file: bytes) -> Iterator[Part]:
    yield Part(6, 13, order="little")
    for block in re.finditer(rb"\x21[\xf9\xff\xfe\x01]|\x2c", file):
        start = block.end()
        yield Part(start, min(start + 12, len(file)), Number(start, 1, "little"), "little")


def _tiff(file: bytes) -> Iterator[Part]:
    order: Order = "little" if file[:2] == b"II" else "big"
    big = file[2:4] in {b"+\0", b"\0+"}
    offset = 8 if big else 4
    yield Part(0, 2 * offset, order=order)
    start = Number(offset, offset, order).read(file)
    count = Number(start, 8 if big else 2, order)
    yield Part(start, start + count.width, count, order)
    for index in range(count.read(file)):
        at = start + count.width + (4 + 2 * offset) * index
        yield Part(at, at + 4 + 2 * offset, Number(at + 4, offset, order), order)


def _flac(file: bytes) -> Iterator[Part]:
    start, last = 4, False
    while not last and start + 4 <= len(file):
        last, size = bool(file[start] & 0x80), int.from_bytes(file[start + 1 : start + 4])
        yield Part(start + 4, start + 4 + size, Number(start + 1, 3, "big"))
        start += 4 + size
    yield Part(start, len(file))


def _mp3(file: bytes) -> Iterator[Part]:
    yield Part(0, 10, Number(6, 4, "big"))
    for frame in list(re.finditer(rb"T[A-Z0-9]{3}|\xff[\xf2-\xfb]", file))[:16]:
        yield Part(frame.end(), min(frame.end() + 16, len(file)), Number(frame.end(), 4, "big"))


def _pages(file: bytes) -> Iterator[Part]:
    for page in re.finditer(rb"OggS", file):
        yield Part(page.start() + 4, page.start() + 27, Number(page.start() + 26, 1, "little"), "little")


def _elements(file: bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """Elements of EBML (RFC 8794); those that look as if they held others are entered."""
    end = len(file) if end is None else end
    while start + 2 <= end:
        at = start + _vint(file[start])
        if at >= end:
            return
        width = _vint(file[at])
        size = int.from_bytes(file[at : at + width]) & (1 << 7 * width) - 1
        content, stop = at + width, min(end, at + width + size)
        yield Part(content, stop, Number(at, width, "big"))
        if file[start:at] in _MASTERS:
            yield from _elements(file, content, stop)
        start = stop


_MASTERS: Final = {
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x11\x4d\x9b\x74", b"\x4d\xbb", b"\x15\x49\xa9\x66"),
    *(b"\x16\x54\xae\x6b", b"\xae", b"\xe0", b"\xe1", b"\x1c\x53\xbb\x6b", b"\xbb", b"\xb7", b"\x1f\x43\xb6\x75"),
}
"""EBML, Segment, SeekHead, Seek, Info; Tracks, TrackEntry, Video, Audio, Cues and what is in them, Cluster."""


def _vint(first: int) -> int:
    return 9 - first.bit_length() if first else 8


def _pdf(file: bytes) -> Iterator[Part]:
    for word in re.finditer(rb"\d+ 0 obj|endobj|stream|endstream|xref|trailer|startxref|%%EOF|<<|>>", file):
        yield Part(word.start(), word.end())


def _whole(file: bytes) -> Iterator[Part]:
    yield Part(0, len(file))


def _begins(*heads: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda file: file.startswith(heads, at)


_WALKS: Final[tuple[tuple[Callable[[bytes], bool], Walk], ...]] = (
    (_begins(b"ftyp", at=4), boxes),
    (_begins(b"jumb", at=4), boxes),
    (_begins(b"RIFF"), _riff),
    (_begins(b"\x89PNG"), _png),
    (_begins(b"\xff\xd8"), _jpeg),
    (_begins(b"GIF8"), _gif),
    (_begins(b"II", b"MM"), _tiff),
    (_begins(b"fLaC"), _flac),
    (_begins(b"ID3", b"\xff\xfb"), _mp3),
    (_begins(b"OggS"), _pages),
    (_begins(b"\x1aE\xdf\xa3"), _elements),
    (_begins(b"%PDF"), _pdf),
)
