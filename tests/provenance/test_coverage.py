"""A signature that leaves out content vouches for nothing of it, whoever made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from detection.sandbox import Sandbox
from provenance.codes import BINDING_HOLLOW, BINDING_PARTIAL
from provenance.coverage import C2PA_BOX, objection
from provenance.stamping import carried
from provenance.summary import summarise, word
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.house import House, draw
from tests.provenance.unseen.conftest import Drafted, drafted
from tests.provenance.unseen.rewritten import Rewritten

__all__ = ["drafted"]

STORE = 12_000
UUID = {"xpath": "/uuid", "data": [{"offset": 8, "value": list(C2PA_BOX)}]}


def lengths(*all_of_them: int) -> dict[str, Any]:
    return {"c2pa.hash.data": {"exclusions": [{"start": 2, "length": length} for length in all_of_them]}}


def bmff(*exclusions: Any) -> dict[str, Any]:
    return {"c2pa.hash.bmff.v3": {"exclusions": list(exclusions)}}


def boxes(**more: Any) -> dict[str, Any]:
    return named(["SOI"], ["C2PA"], ["SOF0", "SOS", "EOI"], **more)


def named(*entries: list[str], **more: Any) -> dict[str, Any]:
    *before, last = entries
    return {"c2pa.hash.boxes": {"boxes": [*({"names": one} for one in before), {"names": last, **more}]}}


@pytest.mark.parametrize(
    ("assertions", "expected"),
    [
        pytest.param({}, None, id="no binding: others say so"),
        pytest.param(lengths(), None, id="nothing left out"),
        pytest.param(lengths(STORE + 12), None, id="its own place"),
        pytest.param(lengths(4, STORE), None, id="a TIFF's"),
        pytest.param(lengths(STORE, 5_000), BINDING_PARTIAL, id="metadata"),
        pytest.param(lengths(STORE + 5_000), BINDING_PARTIAL, id="padding that is none"),
        pytest.param(lengths(STORE, 60_000), BINDING_HOLLOW, id="most of it"),
        pytest.param(bmff(UUID, {"xpath": "/ftyp"}, {"xpath": "/free", "data": None}), None, id="as c2pa-rs"),
        pytest.param(bmff(UUID, {"xpath": "/mdat"}), BINDING_PARTIAL, id="the film"),
        pytest.param(bmff({"xpath": "/uuid"}), BINDING_PARTIAL, id="every uuid box"),
        pytest.param(bmff({"xpath": "/ftyp", "flags": "AA=="}), BINDING_PARTIAL, id="with conditions"),
        pytest.param(boxes(), None, id="its own box"),
        pytest.param(named(["IHDR"], ["C2PA"], ["IDAT", "IEND"]), None, id="a PNG's, but for its first"),
        pytest.param(named(["GIF89a", "LSD"], ["C2PA"], ["2C", "3B"]), None, id="a GIF's"),
        pytest.param(boxes(excluded=True), BINDING_PARTIAL, id="another box"),
        pytest.param(named(["SOI"], ["C2PA"], ["SOF0", "SOS"]), BINDING_PARTIAL, id="what follows the picture"),
        pytest.param(named(["JXL "], ["C2PA"], ["ftyp", "IDAT", "IEND"]), BINDING_PARTIAL, id="boxes not known here"),
        pytest.param(named(["SOI"], ["C2PA"], ["EOI"]), BINDING_HOLLOW, id="the picture"),
        pytest.param(named(["SOI"], ["C2PA"]), BINDING_HOLLOW, id="all that follows"),
        pytest.param({"c2pa.hash.boxes": {}}, BINDING_HOLLOW, id="no box"),
    ],
)
def test_what_is_left_out_beyond_the_manifests_own_place_counts(assertions: dict[str, Any], expected: str) -> None:
    assert objection(assertions, STORE, 100_000) == expected


def test_without_its_file_it_is_told_that_something_is_left_out() -> None:
    assert objection(lengths(STORE, 60_000), STORE, None) == BINDING_PARTIAL


START = b"\xff\xd8"
SIZE = 200_000


def fitting(made: Drafted, left_out: int) -> Rewritten:
    """A draft that leaves out so many bytes behind its manifest store: they may be any picture."""
    found = Rewritten.of(made.draft)
    place = 0
    for _ in range(4):  # lengths are written shorter where they are smaller
        exclusions = [{"start": 2, "length": place}, {"start": 2 + place, "length": left_out}]
        digest = hashlib.sha256(START + bytes(SIZE - 2 - place - left_out)).digest()
        found = found.saying("c2pa.hash.data", {"exclusions": exclusions, "alg": "sha256", "hash": digest, "pad": b""})
        place = len(carried(found.store(bytes(64)), "image/jpeg"))
    return found


@pytest.mark.parametrize(
    ("left_out", "verdict", "says"),
    [(20_000, Verdict.UNTRUSTED, "leaves out parts"), (150_000, Verdict.INVALID, "leaves out most")],
)
def test_one_signature_for_many_contents_is_not_trusted(
    drafted: Drafted, sandbox: Sandbox, left_out: int, verdict: Verdict, says: str
) -> None:
    made = fitting(drafted, left_out)
    store = carried(made.store(drafted.signer.sign(made.to_sign)), "image/jpeg")
    judge = House(sandbox, drafted.signer, TrustPolicy.of({"this service": drafted.store.anchors()}))
    for picture in (draw(), draw(size=(32, 32))):
        content = picture[2:].ljust(left_out, b"\0")
        report = judge.verify((START + store + content).ljust(SIZE, b"\0"))
        assert report.verdict is verdict
        assert says in word(summarise(report))
        assert [one.code for one in report.statuses.success].count("assertion.dataHash.match") == 1


def listing(made: Drafted, *boxes: tuple[str, bytes]) -> bytes:
    """A signed manifest in its segment: it binds so many of a file's boxes from the first on, and itself left out."""
    entries = [{"names": [name], "hash": hashlib.sha256(box).digest(), "pad": b""} for name, box in boxes]
    entries.insert(1, {"names": ["C2PA"], "hash": b"\0", "pad": b""})
    found = Rewritten.of(made.draft)
    others = {label: said for label, said in found.contents.items() if label != "c2pa.hash.data"}
    found = replace(found, contents=others).saying("c2pa.hash.boxes", {"alg": "sha256", "boxes": entries})
    return carried(found.store(made.signer.sign(found.to_sign)), "image/jpeg")


def test_a_list_of_boxes_that_breaks_off_is_of_no_picture(drafted: Drafted, sandbox: Sandbox) -> None:
    """c2pa-rs holds the boxes that are listed to the file's, and does not miss the others."""
    judge = House(sandbox, drafted.signer, TrustPolicy.of({"this service": drafted.store.anchors()}))
    store = listing(drafted, ("SOI", START))
    for picture in (draw(), draw(size=(32, 32))):
        report = judge.verify(START + store + picture[2:])
        assert report.verdict is Verdict.INVALID
        assert [one.code for one in report.statuses.success].count("assertion.boxesHash.match") == 1


def test_a_list_of_all_boxes_is_trusted(drafted: Drafted, sandbox: Sandbox) -> None:
    judge = House(sandbox, drafted.signer, TrustPolicy.of({"this service": drafted.store.anchors()}))
    picture = draw()
    store = listing(drafted, *segments(picture))
    assert judge.verify(START + store + picture[2:]).verdict is Verdict.TRUSTED
    assert judge.verify(START + store + picture[2:-40] + b"\0" + picture[-39:]).verdict is Verdict.INVALID


NAMES = {0xD8: "SOI", 0xE0: "APP0", 0xDB: "DQT", 0xC0: "SOF0", 0xC4: "DHT", 0xDA: "SOS"}


def segments(jpeg: bytes) -> Iterator[tuple[str, bytes]]:
    """Of a picture with one scan, by the names that C2PA gives them."""
    at = 0
    while jpeg[at + 1] != 0xDA:
        size = 2 if jpeg[at + 1] == 0xD8 else 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        yield NAMES[jpeg[at + 1]], jpeg[at : at + size]
        at += size
    yield "SOS", jpeg[at:-2]
    yield "EOI", jpeg[-2:]
