"""A claim whose binding leaves content out would fit many contents, and is not signed."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.errors import ClaimInvalidError
from provenance.unseen.binding import check_binding
from provenance.unseen.drafts import Draft
from tests.provenance.carriers import CARRIERS
from tests.provenance.unseen.conftest import Drafted
from tests.provenance.unseen.rewritten import Rewritten
from tests.provenance.unseen.tool import definition, draft

OWN = 12_000
DIGEST = bytes(32)
UUID = {"xpath": "/uuid", "data": [{"offset": 8, "value": bytes.fromhex("d8fec3d61b0e483c92975828877ec481")}]}


def data(*ranges: tuple[Any, Any], **more: Any) -> dict[str, Any]:
    exclusions = [{"start": start, "length": length} for start, length in ranges]
    return {"exclusions": exclusions, "alg": "sha256", "hash": DIGEST, "pad": b"", "name": "jumbf manifest", **more}


def bmff(*exclusions: Any, **more: Any) -> dict[str, Any]:
    return {"exclusions": list(exclusions), "alg": "sha256", "hash": DIGEST, "name": "jumbf manifest", **more}


def boxes(*entries: Any) -> dict[str, Any]:
    start = {"names": ["SOI"], "hash": DIGEST}
    return {"alg": "sha256", "boxes": [start, {"names": ["C2PA"], "hash": b"\0", "pad": b""}, *entries]}


def rest(*names: str, **more: Any) -> dict[str, Any]:
    return {"names": list(names), "hash": DIGEST, **more}


def check(label: str, said: dict[str, Any], *, history: bool = False) -> None:
    check_binding(label, said, "", OWN, history=history)


@pytest.mark.parametrize("mime", CARRIERS)
def test_what_the_library_writes_binds_all(drafted: Drafted, mime: str) -> None:
    made = Draft.in_file(draft(CARRIERS[mime], drafted.signer.chain, definition(), mime), mime)
    assert drafted.take_apart(made.to_sign, made.assertion_store).binding_hash


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("c2pa.hash.data", data()),
        ("c2pa.hash.data", data((2, OWN))),
        ("c2pa.hash.bmff.v3", bmff(UUID, {"xpath": "/mfra"})),
        ("c2pa.hash.boxes", boxes(rest("SOF0", "SOS", "EOI"))),
        ("c2pa.hash.boxes", boxes(rest("SOF0", "SOS"), rest("EOI"))),
        ("c2pa.hash.collection.data", {"alg": "sha256", "uris": [{"uri": "a", "hash": DIGEST}]}),
    ],
)
def test_what_binds_all_passes(label: str, said: dict[str, Any]) -> None:
    check(label, said)


def test_a_history_takes_room() -> None:
    check("c2pa.hash.data", data((2, 1_000_000)), history=True)
    with pytest.raises(ClaimInvalidError, match="more than its manifest store"):
        check("c2pa.hash.data", data((2, 1_000_000)))
    with pytest.raises(ClaimInvalidError, match="more than its manifest store"):
        check("c2pa.hash.data", data((2, 2**40)), history=True)


@pytest.mark.parametrize(
    ("label", "said", "says"),
    [
        ("c2pa.hash.data", data((2, OWN), (2 + OWN, 200_000)), "leaves out more"),
        ("c2pa.hash.data", data((2, OWN), (20_000, 9)), "leaves out more"),
        ("c2pa.hash.data", data((2, 4), (8, 4), (20, OWN)), "leaves out more"),
        ("c2pa.hash.data", data((2, OWN), (4, 4)), "overlap"),
        ("c2pa.hash.data", data((-1, OWN)), "no range"),
        ("c2pa.hash.data", data((2, "4")), "no range"),
        ("c2pa.hash.data", data((2, OWN), url="https://example.com/x"), "not known here"),
        ("c2pa.hash.data", data((2, OWN), alg="md5"), "algorithm"),
        ("c2pa.hash.data", data((2, OWN), alg="sha512"), "digest"),
        ("c2pa.hash.data", data((2, OWN), hash=b""), "digest"),
        ("c2pa.hash.bmff.v3", bmff(UUID, {"xpath": "/mdat"}), "boxes"),
        ("c2pa.hash.bmff.v3", bmff({"xpath": "/uuid"}), "boxes"),
        ("c2pa.hash.bmff.v3", bmff({"xpath": "/free", "subset": []}), "boxes"),
        ("c2pa.hash.bmff.v3", bmff(UUID, merkle=[]), "not known here"),
        ("c2pa.hash.boxes", boxes(rest("SOS", "EOI", excluded=True)), "boxes"),
        ("c2pa.hash.boxes", boxes({"names": ["SOS", "C2PA"], "hash": b"\0"}), "digest"),
        ("c2pa.hash.boxes", boxes(), "breaks off"),
        ("c2pa.hash.boxes", boxes(rest("SOF0", "SOS")), "breaks off"),
        ("c2pa.hash.boxes", boxes(rest("EOI")), "breaks off"),
        ("c2pa.hash.boxes", {"boxes": [rest("JXL ", "ftyp", "jxlc")], "alg": "sha256"}, "breaks off"),
        ("c2pa.hash.boxes", {"boxes": [], "alg": "sha256"}, "breaks off"),
        ("c2pa.hash.collection.data", {"alg": "sha256", "uris": []}, "nothing"),
        ("c2pa.hash.multi-asset", {}, "no hard binding"),
    ],
)
def test_what_leaves_content_out_is_refused(label: str, said: dict[str, Any], says: str) -> None:
    with pytest.raises(ClaimInvalidError, match=says):
        check(label, said)


def test_the_claim_around_it_is_refused(drafted: Drafted) -> None:
    made = Rewritten.of(drafted.draft).saying("c2pa.hash.data", data((2, OWN), (2 + OWN, 180_000)))
    with pytest.raises(ClaimInvalidError, match="leaves out more"):
        drafted.take_apart(made.to_sign, made.assertion_store)
