"""JUMBF boxes, as C2PA writes them (ISO/IEC 19566-5; C2PA 2.4, "Embedding manifests"). What is read is hostile.

Rules
- Lengths are explicit, add up, and nothing is left over; depth and number of boxes are bounded.
- A superbox has its description first, with a label. Labels of one superbox's children are unique.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

SUPERBOX: Final = b"jumb"
DESCRIPTION: Final = b"jumd"
SUFFIX: Final = bytes.fromhex("0011 0010 8000 00aa 0038 9b71")
"""Of the types that ISO registers, behind their four letters."""

STORE_TYPE: Final = b"c2pa" + SUFFIX
ASSERTIONS_TYPE: Final = b"c2as" + SUFFIX
CLAIM_TYPE: Final = b"c2cl" + SUFFIX

MAX_DEPTH: Final = 8
MAX_BOXES: Final = 10_000
_HEAD: Final = 8
_LABELLED: Final = 0x03
"""Toggles of a description: requestable, with a label."""


class JumbfError(ValueError):
    """It is not JUMBF, or not in the form that is read here."""


@dataclass(frozen=True)
class Box:
    """A superbox, or a content box without label and children."""

    type: bytes
    """Of a superbox the 16 bytes of its description; of a content box its four letters."""

    label: str
    content: bytes
    """All behind its own length and type: of a superbox what a hashed URI hashes."""

    children: tuple[Box, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Exactly one superbox. Raises JumbfError."""
        boxes = list(_boxes(data, MAX_DEPTH, [0]))
        if len(boxes) != 1 or not boxes[0].children:
            raise JumbfError("it is not one JUMBF superbox")
        found = boxes[0]
        return cls(found.type, found.label, found.content, found.children)

    def child(self, kind: bytes) -> Box | None:
        """The first of its children of that type."""
        return next((box for box in self.children if box.type == kind), None)


def _boxes(data: bytes, depth: int, seen: list[int]) -> Iterator[Box]:
    at = 0
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + _HEAD]
        seen[0] += 1
        if not _HEAD <= size <= len(data) - at or not depth or seen[0] > MAX_BOXES:
            raise JumbfError("its boxes do not fit into each other, or are too many")
        content = data[at + _HEAD : at + size]
        yield _superbox(content, depth - 1, seen) if kind == SUPERBOX else Box(kind, "", content)
        at += size


def _superbox(content: bytes, depth: int, seen: list[int]) -> Box:
    boxes = list(_boxes(content, depth, seen))
    if not boxes or boxes[0].type != DESCRIPTION:
        raise JumbfError("a superbox does not begin with its description")
    described, *children = boxes
    kind, label = _description(described.content)
    labels = [box.label for box in children if box.label]
    if len(labels) != len(set(labels)):
        raise JumbfError("two boxes of one parent have one label")
    # The description stands among the children, so that a superbox always has some.
    return Box(kind, label, content, (described, *children))


def _description(content: bytes) -> tuple[bytes, str]:
    end = content.find(b"\0", 17)
    if len(content) < 17 or content[16] & _LABELLED != _LABELLED or end < 0:
        raise JumbfError("a superbox has no label")
    try:
        return content[:16], content[17:end].decode()
    except UnicodeDecodeError as error:
        raise JumbfError("a label is not UTF-8") from error
