"""The outline of an MP4, QuickTime or M4A file: its outermost boxes, whole, with one index among them, and its tracks.

FFmpeg takes the first index that it comes by, wherever that is, and obeys parts of one that stand alone; players look
for `moov` among the outermost boxes. So an index anywhere else is refused, or what is hashed is not what is played.

ISO/IEC 14496-12, section 8.2 (`moov`), 8.8 (`moof`), 8.10 (`udta`), 8.11 (`meta`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from detection.errors import CorruptMediaError
from detection.kinds import Kind
from detection.outlines.boxes import Box, boxes
from detection.outlines.outline import Bytes, Meter
from detection.outlines.tracks import Shown, shown

_INDEX: Final = b"moov"
_METADATA: Final = frozenset({b"meta", b"udta"})
_FRAGMENT: Final = b"moof"
_ANOTHER: Final = re.compile(rb"moov|cmov|hoov")
"""What FFmpeg takes for an index; `cmov` is QuickTime's zlib of one, which nobody has written for twenty years."""

_PARTS: Final = frozenset(
    b"cmov hoov mvhd mvex trex trak tkhd tref edts elst mdia mdhd hdlr minf dinf dref stbl stsd stts ctts stsc stsz "
    b"stz2 stco co64 stss traf tfhd trun wave sinf schi ilst iprp iref".split()
)
"""What has its place within an index or a fragment only."""


def outline(data: Bytes, kind: Kind) -> Mapping[int, Shown]:
    """Walk the whole file; what is shown of its tracks, by their numbers.

    Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError, UnsupportedMediaError.
    """
    meter, index = Meter(), None
    for box in boxes(data, kind):
        meter.count(box.end - box.start if box.name in _METADATA else 0)
        if box.name in _PARTS or (box.name in _METADATA and _ANOTHER.search(data, box.start, box.end)):
            raise CorruptMediaError(kind=kind, reason="a part of its index is elsewhere")
        if box.name == (_INDEX if index else _FRAGMENT):
            raise CorruptMediaError(kind=kind, reason="it has two indices, or fragments before the one")
        if box.name == _INDEX:
            index = box
            _index(data, kind, box, meter)
    if not index:
        raise CorruptMediaError(kind=kind, reason="it has no index")
    return shown(data, kind, index)


def _index(data: Bytes, kind: Kind, index: Box, meter: Meter) -> None:
    for box in boxes(data, kind, index):
        if _ANOTHER.fullmatch(box.name):
            raise CorruptMediaError(kind=kind, reason="its index is compressed, or has another in it")
        meter.count(box.end - box.start if box.name in _METADATA else 0)
