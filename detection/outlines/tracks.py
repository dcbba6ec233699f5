"""The tracks of a film's index: that their media lie in the file, that each says everything once, and which part of it
is shown (ISO/IEC 14496-12, sections 8.2 to 8.7).

Edit lists are obeyed by some players and passed over by others, so what is seen must not depend on them: one may have a
track begin later, and cut something off at either end, and nothing else. What it cuts off is examined with the rest.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from detection.errors import CorruptMediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.outlines.boxes import Box, boxes
from detection.outlines.outline import Bytes

_ONCE: Final = frozenset(
    b"tkhd edts elst mdia mdhd minf dinf dref stbl stsd stts ctts stsc stsz stz2 stco co64 stss".split()
)
"""What readers take the first or the last of, where there are several."""

_HOLDERS: Final = frozenset({b"edts", b"mdia", b"minf", b"dinf", b"stbl"})
_EDITS: Final = (struct.Struct(">Iihh"), struct.Struct(">Qqhh"))
"""An entry by its list's version: how long, from when, and how fast as a whole number and a fraction."""

_HANDLER: Final = re.compile(rb"hdlr.{8}(?:vide|soun|m1a |subp|clcp)", re.DOTALL)
"""What FFmpeg takes a track's kind from, wherever in the track it is, and from the last of them."""

_EMPTY, _PLAIN = -1, (1, 0)
_NUMBER: Final = (12, 20)
"""Where in `mvhd` and `mdhd` the units of time stand, and in `tkhd` the track's number, by version."""


@dataclass(frozen=True)
class Shown:
    """The part of a track that its edit list shows, in milliseconds."""

    start: int
    length: int | None
    """None up to its end."""

    def hides(self, duration: int) -> int:
        """How much it leaves out of a track that lasts so long."""
        return self.start + max(0, duration - self.start - (duration if self.length is None else self.length))


def shown(data: Bytes, kind: Kind, index: Box) -> Mapping[int, Shown]:
    """What is shown of each track that has an edit list, by the track's number.

    Raises CorruptMediaError, UnsupportedMediaError.
    """
    inside = list(boxes(data, kind, index))
    edited, numbers = dict[int, Shown](), set[int]()
    try:
        scale = next(_number(data, box) for box in inside if box.name == b"mvhd")
        for track in (_parts(data, kind, box) for box in inside if box.name == b"trak"):
            number = _number(data, track[b"tkhd"])
            if number in numbers:
                raise CorruptMediaError(kind=kind, reason="two of its tracks have one number")
            numbers.add(number)
            _check_media(data, kind, track.get(b"dref"))
            if (edit := _edit(data, kind, track.get(b"elst"))) is not None:
                start, length = edit
                span = 1000 * length // scale if length else None
                edited[number] = Shown(1000 * start // _number(data, track[b"mdhd"]), span)
    except (KeyError, IndexError, StopIteration, ZeroDivisionError, struct.error) as error:
        raise CorruptMediaError(kind=kind, reason="its index does not describe its tracks") from error
    return edited


def _parts(data: Bytes, kind: Kind, track: Box) -> Mapping[bytes, Box]:
    """A box of each name within a track. Raises CorruptMediaError where there are two that say the same."""
    found, waiting = dict[bytes, Box](), [track]
    if sum(1 for _ in _HANDLER.finditer(data, track.start, track.end)) > 1:
        raise CorruptMediaError(kind=kind, reason="a track says something twice")
    while waiting:
        for box in boxes(data, kind, waiting.pop()):
            if box.name in _ONCE & found.keys():
                raise CorruptMediaError(kind=kind, reason="a track says something twice")
            found[box.name] = box
            if box.name in _HOLDERS:
                waiting.append(box)
    return found


def _number(data: Bytes, box: Box) -> int:
    number: int = struct.unpack_from(">I", data, box.start + _NUMBER[data[box.start]])[0]
    return number


def _check_media(data: Bytes, kind: Kind, references: Box | None) -> None:
    """Raises UnsupportedMediaError for a track whose media lie anywhere else."""
    if references is None:
        return
    for entry in boxes(data, kind, Box(references.name, references.start + 8, references.end)):
        if not data[entry.start + 3] & 1:
            raise UnsupportedMediaError(kind=f"{kind} with media in other files")


def _edit(data: Bytes, kind: Kind, edits: Box | None) -> tuple[int, int] | None:
    """The one edit, (start, length), each in its units; None where all is shown. Raises UnsupportedMediaError."""
    if edits is None:
        return None
    form, count = _EDITS[data[edits.start]], int.from_bytes(data[edits.start + 4 : edits.start + 8])
    entries = [form.unpack_from(data, edits.start + 8 + form.size * at) for at in range(min(count, 3))]
    before, last = entries[:-1], entries[-1:]
    if any(start != _EMPTY for _, start, *_ in before) or len(before) > 1:
        raise _rearranged(kind)
    for length, start, *rate in last:
        if start < 0 or tuple(rate) != _PLAIN:
            raise _rearranged(kind)
        return start, length
    return None


def _rearranged(kind: Kind) -> UnsupportedMediaError:
    return UnsupportedMediaError(
        kind=f"{kind} with parts that an edit list shows in another order, twice or not at all"
    )
