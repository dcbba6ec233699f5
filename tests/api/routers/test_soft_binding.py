"""C2PA's Soft Binding Resolution API, over real HTTP: what is found, by whom, and in which shapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import parse
from PIL import Image

from api.edge import throttle
from detection.image_code import image_codes
from detection.iscc import to_iscc
from detection.near import follower
from detection.pixels import normalised
from tests.api.wire import problem, proven, signed, upload
from tests.deployment import Running
from tests.recovering import overlaid, photo, posted, saved

DOCUMENT: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "soft_binding_resolution.json").read_text()
)
BY_CONTENT = "/matches/byContent"
BY_BINDING = "/matches/byBinding"
JPEG = {"Content-Type": "image/jpeg"}


def conforms(schema: Mapping[str, Any], value: Any) -> bool:
    """To the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        return conforms(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], value)
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return (
            set(schema.get("required", ())) <= set(value) <= set(known)  # nothing of our own besides
            and all(conforms(known[name], one) for name, one in value.items())
        )
    if isinstance(value, list):
        return all(conforms(schema["items"], one) for one in value)
    if isinstance(value, int):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def answered(answer: httpx.Response, path: str, method: str) -> Any:
    """The body of an answer that is as the document says."""
    described = DOCUMENT["paths"][path][method]["responses"]
    assert str(answer.status_code) in described, answer.text
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert conforms(described["200"]["content"]["application/json"]["schema"], body), body
    return body


def ids(http: httpx.Client, file: bytes, **params: str) -> list[str]:
    """What a file leads to."""
    answer = http.post(BY_CONTENT, content=file, headers=JPEG, params={"maxResults": "100"} | params)
    return [match["manifestId"] for match in answered(answer, BY_CONTENT, "post")["matches"]]


def bound(http: httpx.Client, algorithm: str, value: bytes) -> list[str]:
    """What a fingerprint leads to, asked in both ways."""
    query = {"alg": algorithm, "value": base64.b64encode(value).decode()}
    got = answered(http.get(BY_BINDING, params=query), BY_BINDING, "get")
    assert answered(http.post(BY_BINDING, json=query), BY_BINDING, "post") == got
    return [match["manifestId"] for match in got["matches"]]


@pytest.fixture(scope="module")
def http(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http(deployment.key()) as client:
        yield client


@pytest.fixture(scope="module")
def anyone(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as client:
        yield client


def kept(deployment: Running, http: httpx.Client, image: Image.Image, visibility: str = "public") -> tuple[str, Any]:
    """The manifest's id, and the asset, once its entry has its place in the log."""
    asset, _ = signed(http, saved(image), {"visibility": visibility, "title": "Launch day"})
    proven(deployment, asset["ledger"]["entry"])
    report = upload(http, http.get(asset["links"]["content"]).content, path="/v1/verifications").json()
    return report["label"], asset


@pytest.fixture(scope="module")
def public(deployment: Running, http: httpx.Client) -> str:
    return kept(deployment, http, photo())[0]


@pytest.mark.parametrize(
    "edited",
    [
        saved(photo(), "PNG"),
        posted(photo()),
        overlaid(photo()),
        saved(photo().transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        saved(photo().transpose(Image.Transpose.ROTATE_90), quality=30),
    ],
    ids=["stripped", "posted", "overlaid", "mirrored", "turned"],
)
def test_an_edited_copy_leads_anyone_to_the_manifest(public: str, anyone: httpx.Client, edited: bytes) -> None:
    assert public in ids(anyone, edited)


def test_another_photograph_leads_nowhere_near(public: str, anyone: httpx.Client) -> None:
    assert public not in ids(anyone, saved(photo(5)))
    with Image.new("RGB", (300, 200), "red") as flat:
        assert public not in ids(anyone, saved(flat))


def test_the_exact_content_scores_highest_and_the_number_of_results_is_bounded(
    deployment: Running, http: httpx.Client, anyone: httpx.Client
) -> None:
    once, _ = kept(deployment, http, photo(7))
    kept(deployment, http, photo(7))
    with deployment.http(deployment.key("Another Camera")) as other:
        again, _ = kept(deployment, other, photo(7))
    answer = anyone.post(BY_CONTENT, content=saved(photo(7)), headers=JPEG, params={"maxResults": "1"})
    (match,) = answered(answer, BY_CONTENT, "post")["matches"]
    assert match == {"manifestId": once, "similarityScore": 100}, "the same content, signed first"
    assert ids(anyone, saved(photo(7)))[:2] == [once, again], "one of each who signed"
    for refused in ("0", "-1", "many", "1" * 5000):
        problem(anyone.post(BY_CONTENT, content=b"x", params={"maxResults": refused}), 400, "soft-binding-query")


def test_a_fingerprint_leads_where_the_file_does(public: str, anyone: httpx.Client) -> None:
    code = image_codes(normalised(photo().resize((300, 300))))[0]
    unit = to_iscc(code)
    assert public in bound(anyone, "io.iscc.v0", unit.encode())
    assert public in bound(anyone, "io.iscc.v0", b"\x21\x07" + bytes.fromhex(code))
    assert public in bound(anyone, "io.iscc.v0", b"\x21\x01" + bytes.fromhex(code)[:8]), "as most others cut it"
    other = bytes(255 - byte for byte in bytes.fromhex(code))
    assert public not in bound(anyone, "io.iscc.v0", b"\x21\x07" + other)


def test_the_manifest_names_the_fingerprint_that_finds_it(public: str, anyone: httpx.Client) -> None:
    store = anyone.get(f"/manifests/{public}").content
    unit = store[store.index(b"ISCC:") :][:60].decode()
    assert b"c2pa.soft-binding" in store
    assert b"io.iscc.v0" in store
    assert public in bound(anyone, "io.iscc.v0", unit.encode())


def test_pdq_is_offered_under_a_name_of_ours(public: str, anyone: httpx.Client) -> None:
    body = answered(anyone.get("/services/supportedAlgorithms"), "/services/supportedAlgorithms", "get")
    assert body == {"fingerprints": [{"alg": "io.iscc.v0"}, {"alg": "org.sigillo.pdq.1"}]}
    for one in body["fingerprints"]:
        assert public in ids(anyone, posted(photo()), alg=one["alg"])
    problem(anyone.post(BY_CONTENT, content=posted(photo()), params={"alg": "x"}), 400, "soft-binding-query")


@pytest.mark.parametrize(
    "query",
    [
        {"alg": "io.iscc.v0", "value": "not base64"},
        {"alg": "io.iscc.v0", "value": ""},
        {"alg": "io.iscc.v0", "value": base64.b64encode(b"ISCC:EED4GQZQ1").decode()},
        {"alg": "io.iscc.v0", "value": base64.b64encode(b"ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76").decode()},
        {"alg": "org.sigillo.pdq.1", "value": base64.b64encode(bytes(31)).decode()},
        {"alg": "com.adobe.trustmark.P", "value": "AAAA"},
        {"alg": "io.iscc.v0"},
        {},
    ],
)
def test_what_is_no_fingerprint_is_refused(anyone: httpx.Client, query: dict[str, str]) -> None:
    problem(anyone.get(BY_BINDING, params=query), 400, "soft-binding-query")
    problem(anyone.post(BY_BINDING, json=query), 400, "soft-binding-query")


def test_nothing_that_a_caller_points_at_is_fetched(anyone: httpx.Client) -> None:
    asked = {"referenceUrl": "https://127.0.0.1/secret", "assetLength": 5}
    said = problem(anyone.post("/matches/byReference", json=asked), 403, "reference-refused")
    assert "byContent" in said["detail"]


def test_each_visibility(deployment: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    copy = posted(photo(11))
    with deployment.http(deployment.key("Another Camera")) as colleague:
        for visibility, found, given in (("public", True, True), ("unlisted", False, True), ("private", False, False)):
            label, asset = kept(deployment, http, photo(11), visibility)
            for stranger in (anyone, colleague):
                assert (label in ids(stranger, copy)) is found
                assert (stranger.get(f"/manifests/{label}").status_code == 200) is given
            assert label in ids(http, copy), "its owner finds it in any case"
            store = http.get(f"/manifests/{label}")
            assert store.headers["content-type"] == "application/c2pa"
            assert store.content == http.get(asset["links"]["manifest"]).content
            http.delete(asset["links"]["self"])
            assert label not in ids(http, copy)
            problem(http.get(f"/manifests/{label}"), 404, "manifest-not-found")


def test_ids_of_nothing(anyone: httpx.Client) -> None:
    problem(anyone.get("/manifests/not-an-id"), 400, "manifest-id")
    problem(anyone.get("/manifests/urn:c2pa:00000000-0000-4000-8000-000000000000"), 404, "manifest-not-found")


def test_the_active_manifest_alone(deployment: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    claim = {"visibility": "public", "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]}
    first, file = signed(http, saved(photo(13)), claim)
    second, _ = signed(http, file, {"visibility": "public"})
    proven(deployment, second["ledger"]["entry"])
    report = upload(http, http.get(second["links"]["content"]).content, path="/v1/verifications").json()
    whole = anyone.get(f"/manifests/{report['label']}").content
    alone = anyone.get(f"/manifests/{report['label']}", params={"returnActiveManifest": "true"}).content
    parent = report["ingredients"][0]["label"].encode()
    assert whole.count(b"c2pa.claim.v2\x00") > alone.count(b"c2pa.claim.v2\x00") == 1
    assert parent in whole
    assert int.from_bytes(alone[:4]) == len(alone)
    assert report["label"].encode() in alone
    assert first["id"] != second["id"]


def test_a_file_that_is_none_is_refused_as_by_any_route(public: str, anyone: httpx.Client) -> None:
    problem(anyone.post(BY_CONTENT, content=b"no picture at all"), 415, "media-unrecognised")
    problem(anyone.post(BY_CONTENT, content=b""), 422, "media-empty")
    problem(anyone.post(BY_CONTENT, content=saved(photo())[:5000]), 422, "media-truncated")


def test_an_index_behind_its_database_is_unknown_and_never_nothing(
    deployment: Running, http: httpx.Client, anyone: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = deployment.service.recovery.search.index
    monkeypatch.setattr(follower, "AT_ONCE", -1)  # whoever is behind at all is too far behind
    monkeypatch.setattr(index._source.__class__, "counted", lambda _: 10**9)
    said = problem(anyone.post(BY_CONTENT, content=saved(photo())), 503, "recovery-unknown")
    assert said["reason"] == "index"
    report = upload(anyone, saved(photo()), path="/v1/verifications").json()
    assert (report["verdict"], report["recovered"]["looked"]) == ("absent", "unknown")
    assert "ask again in a moment" in report["recovered"]["sentence"]


def test_a_flood_of_queries_ends_at_a_rate_and_others_go_on(
    deployment: Running, http: httpx.Client, anyone: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(throttle._SEARCHES, True, parse("5/hour"))
    query = {"alg": "org.sigillo.pdq.1", "value": base64.b64encode(bytes(32)).decode()}
    with deployment.http(deployment.key("Harvester")) as harvester:
        answers = [harvester.get(BY_BINDING, params=query) for _ in range(8)]
        assert [answer.status_code for answer in answers] == 5 * [200] + 3 * [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        problem(harvester.get("/manifests/urn:c2pa:00000000-0000-4000-8000-000000000000"), 429, "rate-exceeded")
        assert upload(harvester, saved(photo()), path="/v1/verifications").status_code == 200
    assert anyone.get(BY_BINDING, params=query).status_code == 200
