"""The boxes of a manifest store: where each manifest begins and ends, and its digest. Runs in the worker.

Rules
- A manifest keeps its bytes for ever: whoever signs over a file copies its boxes as they are. So their SHA-256 tells a
  manifest again wherever it lies, as its label does not, which can be copied into any other.

ISO 19566-5 (JUMBF); C2PA Technical Specification 2.4, "Manifest store".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

_DESCRIPTION_BYTES: Final = 17
"""Type and toggles of a box, before its label."""


def manifest_digests(store: bytes) -> dict[str, str]:
    """SHA-256, hexadecimal, of what is in each manifest's box, by label, in their order; the active one is the last.

    Raises ValueError.
    """
    outer = next(boxes(memoryview(store)), None)
    if outer is None:
        raise ValueError("an empty manifest store")
    return {label: hashlib.sha256(content).hexdigest() for label, content in labelled(outer[1])}


def labelled(content: memoryview) -> Iterator[tuple[str, memoryview]]:
    """The labelled boxes inside a superbox. Raises ValueError."""
    for kind, inner in boxes(content):
        if kind == b"jumb":
            described, description = next(boxes(inner), (b"", inner))
            if described == b"jumd":
                label = bytes(description[_DESCRIPTION_BYTES:]).split(b"\0")[0]
                yield label.decode(), inner


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of each. Raises ValueError where one does not end within the data."""
    while data:
        size = int.from_bytes(data[:4])
        if not 8 <= size <= len(data):
            raise ValueError("a box that does not end where it should")
        yield bytes(data[4:8]), data[8:size]
        data = data[size:]
