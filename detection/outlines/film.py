"""The outline of an MP4, QuickTime or M4A file: its outermost boxes, whole, with an index among them.

ISO/IEC 14496-12, section 8.2 (`moov`), 8.10 (`udta`), 8.11 (`meta`).
"""

from __future__ import annotations

from typing import Final

from detection.errors import CorruptMediaError
from detection.kinds import Kind
from detection.limits import MAX_BOXES
from detection.outlines.boxes import boxes
from detection.outlines.outline import Bytes, Meter

_INDEX: Final = b"moov"
_METADATA: Final = frozenset({b"meta", b"udta"})
_COMPRESSED: Final = b"cmov"
"""QuickTime's zlib of an index: nobody has written it for twenty years."""


def outline(data: Bytes, kind: Kind) -> None:
    """Walk the whole file. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, indexed = Meter(MAX_BOXES), False
    for box in boxes(data, kind):
        meter.count(box.end - box.start if box.name in _METADATA else 0)
        if box.name != _INDEX:
            continue
        indexed = True
        for inner in boxes(data, kind, box):
            if inner.name == _COMPRESSED:
                raise CorruptMediaError(kind=kind, reason="its index is compressed")
            meter.count(inner.end - inner.start if inner.name in _METADATA else 0)
    if not indexed:
        raise CorruptMediaError(kind=kind, reason="it has no index")
