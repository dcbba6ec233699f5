"""What the walks of `detection.outlines` have in common: what they find, and how they count."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap
from typing import TypeAlias

from detection.limits import MAX_METADATA_BYTES, MAX_SEGMENTS, at_most

Bytes: TypeAlias = bytes | mmap


@dataclass(frozen=True)
class Outline:
    """What the headers say."""

    width: int
    height: int
    """Pixels as stored, before any orientation."""

    frames: int = 1
    """Pictures that are shown one after another, and the one that stands for them where nothing moves, if it is none
    of them."""


class Meter:
    """Counts segments and the metadata in them, and stops at the limits."""

    def __init__(self, most: int = MAX_SEGMENTS) -> None:
        self._most, self._segments, self._metadata = most, 0, 0

    def count(self, metadata: int) -> None:
        """One more segment, with so many bytes of metadata. Raises MediaTooLargeError."""
        self._segments += 1
        self._metadata += metadata
        at_most("segments", self._most, self._segments)
        at_most("bytes of metadata", MAX_METADATA_BYTES, self._metadata)
