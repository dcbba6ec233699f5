"""Manifest stores of shapes that nobody signs: a chain of any length, or one that leads back to itself."""

from __future__ import annotations

from provenance.boxes import boxes, labelled
from tests.provenance.carriers import box
from tests.provenance.forger import CREATED, actions, forge, label_of, over, record
from tests.provenance.house import House


def chain(house: House, length: int, *, cyclic: bool = False) -> bytes:
    """A store of so many manifests, each made from the next; the last from nothing, or from the first again. No
    signature in it holds, which nobody looks at before the shape.
    """
    first, origin_store = forge(house, {"assertions": [actions(CREATED)]})
    _, store = forge(house, over(first, record((), (), label_of(first))), file=first, store=origin_store)
    (outer,) = (content for _, content in boxes(memoryview(store)))
    (_, description), *_ = boxes(outer)
    (oldest, origin), (newest, made) = ((label.encode(), _unsigned(content)) for label, content in labelled(outer))
    ends = [] if cyclic else [box(b"jumb", origin.replace(oldest, _label(length - 1)))]
    middle = range(length - 1 - (not cyclic), -1, -1)
    written = [box(b"jumb", _renamed(made, newest, oldest, at, (at + 1) % length)) for at in middle]
    return box(b"jumb", box(b"jumd", bytes(description)) + b"".join(ends + written))


def _renamed(manifest: bytes, name: bytes, parent: bytes, at: int, leads_to: int) -> bytes:
    return manifest.replace(parent, b"\0parent\0").replace(name, _label(at)).replace(b"\0parent\0", _label(leads_to))


def _label(number: int) -> bytes:
    return f"urn:c2pa:{number:08x}-0000-4000-8000-000000000000".encode()


def _unsigned(manifest: memoryview) -> bytes:
    """The manifest with next to nothing for a signature: without its padding ten thousand take no more than a film."""
    parts = (
        (kind, _signature(part) if b"c2pa.signature\0" in bytes(part[:80]) else part) for kind, part in boxes(manifest)
    )
    return b"".join(box(kind, bytes(part)) for kind, part in parts)


def _signature(part: memoryview) -> bytes | memoryview:
    (kind, described), *_ = boxes(part)
    return box(kind, bytes(described)) + box(b"cbor", b"\xd2\x84\x40\xa0\xf6\x40")
