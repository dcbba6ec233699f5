from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable

import pytest

import api.edge.prefer
from api.edge.faults import MAX_FAULTS
from api.edge.prefer import MAX_SECONDS, wanted
from provenance.rules import MAX_ACTIONS
from tests.api.wire import count, counts, problem, proven, signed, upload
from tests.deployment import Running, picture
from tests.detection.documents import WHOLE

CROPPED = {"actions": [{"name": "c2pa.cropped"}]}
HOSTILE_JSON = {
    "deep": "[" * 100_000,
    "deep member": '{"title": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "NaN": '{"title": NaN}',
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "empty": "",
    "cut": '{"title": "x',
    "lone surrogate": '{"title": "\\ud800"}',
    "lone surrogate as a name": '{"\\ud800": 1}',
    "wrong type": '{"title": {"a": 1}}',
    "unknown member": '{"titel": "x"}',
    "wrong enum": '{"visibility": "everyone"}',
    "wrong list": '{"actions": "c2pa.created"}',
    "time without a zone": '{"actions": [{"name": "c2pa.cropped", "when": "2026-01-01T00:00:00"}]}',
    "unknown source type": '{"actions": [{"name": "c2pa.created", "source_type": "madeUp"}]}',
}


def bomb(width: int = 40_000, height: int = 40_000) -> bytes:
    """A PNG of a few kilobytes that says it has 1.6 billion pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_each_kind_is_signed_and_given_back(deployment: Running, kind: str, mime: str) -> None:
    content = picture(kind)
    with deployment.http(deployment.key()) as http:
        answer = upload(http, content, {"title": "Harbour"}, mime=mime)
        asset = answer.json()
        file = http.get(asset["links"]["content"])
        verdict = upload(http, file.content, mime=mime, path="/v1/verifications").json()
    assert answer.status_code == 201
    assert answer.headers["location"] == asset["links"]["self"] == f"/v1/assets/{asset['id']}"
    assert (asset["state"], asset["visibility"], asset["mime"]) == ("signed", "unlisted", mime)
    assert (asset["width"], asset["height"], asset["bytes"]) == (96, 64, len(file.content))
    assert asset["sha256"] == hashlib.sha256(file.content).hexdigest()
    assert (asset["title"], asset["parent"]) == ("Harbour", None)
    assert file.headers["content-type"] == mime
    assert file.headers["content-length"] == str(len(file.content))
    assert file.headers["cache-control"] == "private, no-store"
    assert (verdict["verdict"], verdict["label"]) == ("trusted", asset["manifest"])
    assert asset["signed_with"].startswith("sigillo-claim@")


def test_claim_reaches_the_manifest(deployment: Running) -> None:
    claim = {
        "title": "Dream",
        "tool": {"name": "Dreamer", "version": "4.2"},
        "model": {"name": "example-diffusion", "version": "3.1", "provider": "Example AI"},
        "actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}, {"name": "c2pa.cropped"}],
        "training_mining": "allowed",
        "author": {"name": "A. Person", "statement": "Mine."},
    }
    with deployment.http(deployment.key("Dreamer", source_types=["trainedAlgorithmicMedia"])) as http:
        _, file = signed(http, claim=claim)
        report = upload(http, file, path="/v1/verifications").json()
    assert report["title"] == "Dream"
    assert [action["name"] for action in report["actions"]] == ["c2pa.created", "c2pa.cropped"]
    assert report["actions"][0]["source_type"].endswith("/trainedAlgorithmicMedia")
    assert "example-diffusion" in json.dumps(report)
    assert "Mine." in json.dumps(report)
    assert {use["use"] for use in report["training_mining"]} == {"allowed"}


def test_durable_becomes_proven(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        proven(deployment, asset["ledger"]["entry"])
        now = http.get(asset["links"]["self"]).json()
        assert now["ledger"]["state"] == "proven"
        assert http.get(now["ledger"]["receipt"]).status_code == 200


def test_who_would_rather_wait_is_answered_when_it_is_proven(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        http.headers["Prefer"] = "respond-async, wait=30"
        asset, _ = signed(http)
        changed = upload(http, path=f"{asset['links']['self']}/transformations", claim=CROPPED)
        erased = http.delete(asset["links"]["self"])
        for answer in (changed, erased):
            assert answer.headers["preference-applied"] == "wait=30"
        for ledger in (asset["ledger"], changed.json()["ledger"], erased.json()["ledger"]):
            assert ledger["state"] == "proven"
            assert http.get(ledger["receipt"], headers={"Prefer": ""}).status_code == 200


def test_nobody_waits_for_ever(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with own.http(own.key()) as http:
        own.service.ledger._integrator.close()  # no checkpoint from here on
        http.headers["Prefer"] = "wait=1"
        asset, _ = signed(http)
        assert asset["ledger"]["state"] == "durable"
        receipt = http.get(asset["ledger"]["receipt"])
        assert (receipt.status_code, receipt.headers["preference-applied"]) == (202, "wait=1")
        monkeypatch.setattr(api.edge.prefer._threads, "total_tokens", 0)  # as many wait as may
        receipt = http.get(asset["ledger"]["receipt"])
        assert (receipt.status_code, receipt.headers.get("preference-applied")) == (202, None)


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ([], 0),
        (["wait=7"], 7),
        (["respond-async", 'Wait = "8" ; x=y'], 8),
        (["wait=3, wait=9"], 3),
        (["wait=999999"], MAX_SECONDS),
        (["wait=-1, wait, wait=x, waiter=5, wait=1.5", "wait=" + "9" * 5000], 0),
        (["wait=\u0663"], 0),
    ],
)
def test_a_preference_that_cannot_be_read_is_none(prefer: list[str], seconds: int) -> None:
    assert wanted(prefer) == seconds


def test_nothing_is_called_proven_that_no_checkpoint_covers(own: Running) -> None:
    with own.http(own.key()) as http:
        own.service.ledger._integrator.close()  # no checkpoint from here on
        asset, _ = signed(http)
        now = http.get(asset["links"]["self"]).json()
        erased = http.delete(asset["links"]["self"]).json()
        for ledger in (asset["ledger"], now["ledger"], erased["ledger"]):
            assert ledger["state"] == "durable"
            receipt = http.get(ledger["receipt"])
            assert (receipt.status_code, receipt.headers["retry-after"]) == (202, "1")


def test_an_upload_leaves_one_of_each(deployment: Running) -> None:
    before = counts(deployment)
    with deployment.http(deployment.key()) as http:
        entries = count(deployment, "entry")
        assert upload(http).status_code == 201
    assert count(deployment, "entry") == entries + 1
    grown = {name: now - before[name] for name, now in counts(deployment).items()}
    assert {name: grown[name] for name in ("asset", "blob", "files", "idempotency", "subject_key")} == {
        "asset": 1, "blob": 1, "files": 1, "idempotency": 0, "subject_key": 1,
    }  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_document_is_signed_and_given_back(deployment: Running, name: str) -> None:
    with deployment.http(deployment.key()) as http:
        asset, file = signed(http, WHOLE[name], mime="application/pdf")
        verdict = upload(http, file, mime="application/pdf", path="/v1/verifications").json()
    assert (asset["mime"], asset["width"]) == ("application/pdf", None)
    assert verdict["verdict"] == "trusted"
    assert verdict["content"]["normal_form"] == "sigillo/bytes/v1"
    assert verdict["content"]["content_hash"] == hashlib.sha256(WHOLE[name]).hexdigest()


@pytest.mark.parametrize(
    ("make", "mime", "status", "slug"),
    [
        (lambda: b"", "image/jpeg", 422, "media-empty"),
        (lambda: b"\xff\xd8\xff\xe0", "image/jpeg", 422, "media-truncated"),
        (lambda: b"abcd", "image/jpeg", 415, "media-unrecognised"),
        (lambda: picture()[:-200], "image/jpeg", 422, "media-truncated"),
        (lambda: picture("PNG")[:-20], "image/png", 422, "media-truncated"),
        (lambda: picture("PNG"), "image/jpeg", 422, "media-mislabelled"),
        (bomb, "image/png", 413, "media-too-large"),
        (lambda: b"8BPS" + bytes(40), "image/vnd.adobe.photoshop", 415, "media-unsupported"),
        (lambda: b"%PDF-1.7\n" + bytes(40), "application/pdf", 422, "media-truncated"),
    ],
)
def test_bad_files_have_each_their_problem(
    deployment: Running, make: Callable[[], bytes], mime: str, status: int, slug: str
) -> None:
    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        problem(upload(http, make(), mime=mime), status, slug)
        assert counts(deployment) == before
        assert upload(http).status_code == 201


@pytest.mark.parametrize("name", sorted(HOSTILE_JSON))
def test_hostile_claims_are_the_callers_fault(deployment: Running, name: str) -> None:
    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        said = problem(upload(http, claim=HOSTILE_JSON[name]), 422, "request-invalid")
        assert said["faults"][0]["field"].startswith("claim")
        assert "Value error" not in said["detail"]
        assert len(json.dumps(said)) < 5000
        assert counts(deployment) == before


@pytest.mark.parametrize(
    ("claim", "field"),
    [
        ({"title": "x" * 1_000}, "title"),
        ({"title": "photo\u202egpj.exe"}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": " "}, "title"),
        ({"actions": [{"name": "c2pa.cropped", "when": "2999-01-01T00:00:00Z"}]}, "actions[0].when"),
        ({"actions": [{"name": "c2pa.cropped", "parameters": {"a": [[[[[[[[[1]]]]]]]]]}}]}, "actions[0].parameters"),
        ('{"actions": [{"name": "c2pa.cropped", "parameters": {"a": NaN}}]}', "actions[0].parameters"),
        ('{"actions": [{"name": "c2pa.cropped", "parameters": {"a": 1e999}}]}', "actions[0].parameters"),
    ],
)
def test_refused_claims_name_the_field(deployment: Running, claim: object, field: str) -> None:
    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        said = problem(upload(http, claim=claim), 422, "claim-refused")
        assert said["field"] == field
        assert counts(deployment) == before


def test_ten_thousand_actions_are_too_many(deployment: Running) -> None:
    short = {"actions": [{"name": "c2pa.cropped"}] * 10_000}
    long = {"actions": [{"name": "c2pa.cropped", "description": "x" * 50}] * 10_000}
    with deployment.http(deployment.key()) as http:
        said = problem(upload(http, claim=short), 422, "request-invalid")
        assert [fault["field"] for fault in said["faults"]] == ["claim.actions"]
        assert said["detail"] == f"claim.actions: is too long: at most {MAX_ACTIONS} items"
        problem(upload(http, claim=long), 400, "upload-malformed")
        assert upload(http).status_code == 201


def test_first_faulty_action_ends_the_reading_of_them(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        said = problem(upload(http, claim='{"actions": [' + ",".join("1" * 100_000) + "]}"), 422, "request-invalid")
    assert [fault["field"] for fault in said["faults"]] == ["claim.actions.0"]


@pytest.mark.parametrize(
    "claim",
    [
        '{"actions": [{' + ",".join(f'"{number}":1' for number in range(20_000)) + "}]}",
        "{" + ",".join(f'"{number}":1' for number in range(20_000)) + "}",
    ],
)
def test_answer_to_many_faults_stays_small(deployment: Running, claim: str) -> None:
    with deployment.http(deployment.key()) as http:
        answer = upload(http, claim=claim)
    assert len(problem(answer, 422, "request-invalid")["faults"]) == MAX_FAULTS
    assert len(answer.content) < 5000


def test_strangers_and_colleagues_find_nothing(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http, claim={"visibility": "public"})
    away = deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["token"]
    missing = "ast_" + "a" * 26
    for token in (deployment.key(), str(away)):
        with deployment.http(token) as other:
            for suffix in ("", "/content", "/custody"):
                said = problem(other.get(f"/v1/assets/{asset['id']}{suffix}"), 404, "asset-not-found")
                nothing = problem(other.get(f"/v1/assets/{missing}{suffix}"), 404, "asset-not-found")
                assert said["detail"].replace(asset["id"], missing) == nothing["detail"]
            problem(other.delete(f"/v1/assets/{asset['id']}"), 404, "asset-not-found")


@pytest.mark.parametrize("asset", ["x", "ast_", "%00", "..%2f..%2fetc", "a" * 5000, "%ED%A0%80", "' OR 1=1 --"])
def test_ids_that_are_none(deployment: Running, asset: str) -> None:
    with deployment.http(deployment.key()) as http:
        answer = http.get(f"/v1/assets/{asset}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_erasing_twice_is_gone(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        path = asset["links"]["self"]
        assert http.delete(path).json()["erased"] == asset["id"]
        assert problem(http.delete(path), 410, "asset-gone")["reason"] == "erased"
        assert problem(http.get(f"{path}/content"), 410, "asset-gone")["reason"] == "erased"


def test_idempotency_key_beyond_its_length(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(upload(http, headers={"Idempotency-Key": "k" * 201}), 422, "request-invalid")
        assert upload(http, headers={"Idempotency-Key": "k" * 200}).status_code == 201


def test_the_manifest_alone_is_kept_until_erasure(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, file = signed(http)
        answer = http.get(asset["links"]["manifest"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/c2pa")
        assert answer.content in file
        http.delete(asset["links"]["self"])
        problem(http.get(asset["links"]["manifest"]), 410, "asset-gone")
    with deployment.http(deployment.key()) as stranger:
        problem(stranger.get(asset["links"]["manifest"]), 404, "asset-not-found")


def test_an_upload_with_a_manifest_beside_it_is_refused(deployment: Running) -> None:
    """It would be signed without its history."""
    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        parts = {"file": ("upload", picture(), "image/jpeg"), "manifest": ("m", b"store", "application/c2pa")}
        problem(http.post("/v1/assets", files=parts), 400, "upload-malformed")
        assert counts(deployment) == before
