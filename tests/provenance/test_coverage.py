"""A signature that leaves out content vouches for nothing of it, whoever made it."""

from __future__ import annotations

import hashlib
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
    return {"c2pa.hash.boxes": {"boxes": [{"names": ["C2PA"], "hash": "00"}, {"names": ["SOS"], **more}]}}


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
        pytest.param(boxes(excluded=True), BINDING_PARTIAL, id="another box"),
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
