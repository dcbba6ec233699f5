"""Hostile manifest stores (JUMBF boxes of CBOR, ISO/IEC 19566-5), in files that are sound without them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from functools import partial

from tests.detection.pictures import chunk
from tests.hostile.crafted import nested
from tests.hostile.damage import Case, damaged
from tests.hostile.seeds import seeds
from tests.provenance.carriers import box
from tests.provenance.forger import CREATED, actions, forge
from tests.provenance.house import House

_C2PA = bytes.fromhex("63327061 0011 0010 8000 00aa00389b71")
_LABELS = ("", "\0", "../../etc/passwd", "c2pa", "x" * 65_536, "c2pa.assertions/" * 4096, "\u202e\ufeff\U0010ffff")


def manifests(house: House) -> list[Case]:
    """Stores damaged at every boundary, and stores that nobody writes."""
    _, store = forge(house, {"assertions": [actions(CREATED)]}, file=seeds()["png"], mime="image/png")
    broken = [Case(case.name, partial(_carrying, case)) for case in damaged("store", store)]
    made = [*_boxes(), *_claims(store), *_definitions(house)]
    return [*broken, *(Case(f"store: {case.name}", case.make) for case in made)]


def carrying(store: bytes) -> bytes:
    """A sound PNG that carries the store."""
    file = seeds()["png"]
    return file[:33] + chunk(b"caBX", store) + file[33:]


def _carrying(case: Case) -> bytes:
    return carrying(case.make())


def described(kind: bytes, label: bytes, *content: bytes) -> bytes:
    """A superbox of that kind and label."""
    return box(b"jumb", box(b"jumd", kind + b"\3" + label + b"\0") + b"".join(content))


def _boxes() -> Iterator[Case]:
    head = box(b"jumd", _C2PA + b"\3c2pa\0")
    for depth in (100, 10_000, 200_000):
        yield Case(f"{depth} boxes in boxes", partial(lambda depth: carrying(nested(b"jumb", depth, head)), depth))
    for label in _LABELS:
        named = described(_C2PA, b"c2pa", described(_C2PA, label.encode()))
        yield Case(f"label {label[:16]!r}", partial(carrying, named))
    yield Case("100,000 manifests", lambda: carrying(described(_C2PA, b"c2pa", described(_C2PA, b"m") * 100_000)))
    yield Case("no boxes", lambda: carrying(b"\0" * 100_000))
    yield Case("8 MB of one box", lambda: carrying(described(_C2PA, b"c2pa", box(b"free", bytes(8 << 20)))))


def _claims(store: bytes) -> Iterator[Case]:
    """The claim and the signature as other CBOR (RFC 8949)."""
    hostile = {
        "deep arrays": b"\x81" * 200_000 + b"\0",
        "deep maps": b"\xa1\x61a" * 100_000 + b"\0",
        "deep tags": b"\xc1" * 200_000 + b"\0",
        "endless arrays": b"\x9f" * 200_000,
        "a text of 2^63 bytes": b"\x7b\x7f" + b"\xff" * 7,
        "an array of 2^63": b"\x9b\x7f" + b"\xff" * 7,
        "a map of 2^32": b"\xba" + b"\xff" * 4,
        "a million nulls": b"\x9a\x00\x0f\x42\x40" + b"\xf6" * 1_000_000,
        "8 MB of text": b"\x7a\x00\x80\x00\x00" + b"x" * (8 << 20),
        "nothing": b"",
        "not a number": b"\xf9\x7e\0",
        "a number": b"\x1b" + b"\xff" * 8,
        "one key twice": b"\xa2\x61a\0\x61a\1",
        "broken text": b"\x62\xff\xfe",
    }
    for label in (b"c2pa.claim", b"c2pa.signature", b"c2pa.actions"):
        for name, cbor in hostile.items():
            yield Case(f"{label.decode()} of {name}", partial(_other, store, label, cbor))


def _other(store: bytes, label: bytes, content: bytes) -> bytes:
    """The store with other content in the box of that label; the boxes around it fit."""
    at = store.index(b"cbor", store.index(label, 0) + len(label))
    (size,) = struct.unpack_from(">I", store, at - 4)
    made = bytearray(store[: at + 4] + content + store[at - 4 + size :])
    for start in _around(store, at - 4):
        struct.pack_into(">I", made, start, struct.unpack_from(">I", store, start)[0] + len(content) - (size - 8))
    return carrying(bytes(made))


def _around(store: bytes, at: int, start: int = 0) -> Iterator[int]:
    """Where the boxes begin that hold the one at `at`, and that one."""
    while start <= at:
        size, name = struct.unpack_from(">I4s", store, start)
        if at < start + size:
            yield start
            if name != b"jumb":
                return
            start += 8
        else:
            start += size


def _definitions(house: House) -> Iterator[Case]:
    """Signed well, and saying too much."""

    def signed(*assertions: object, edits: int = 0) -> bytes:
        definition = {"assertions": [actions(CREATED, *[{"action": "c2pa.edited"}] * edits), *assertions]}
        return forge(house, definition, file=seeds()["png"], mime="image/png")[0]

    def of(data: object) -> dict[str, object]:
        return {"label": "org.example.flood", "data": data}

    deep: object = 0
    for _ in range(50):  # c2pa-rs reads 128 levels of JSON
        deep = {"a": [deep]}
    yield Case("10,000 actions", lambda: signed(edits=10_000))
    yield Case("2,000 assertions", lambda: signed(*[of({"n": n}) for n in range(2_000)]))
    yield Case("deep assertion", lambda: signed(of(deep)))
    yield Case("hostile words", lambda: signed(of({"text": json.loads(r'"\u0000\u202e\ud83d\ude00\ufdd0"')})))
