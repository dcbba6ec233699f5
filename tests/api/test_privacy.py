"""The lines of docs/privacy.md that uploads, verifications and logs touch, each held to what lies on disk."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.running.home import Home
from api.running.log import configure
from ledger.receipt import verify_receipt
from tests.api.cli.process import Served, served
from tests.api.fixtures import logging_put_back
from tests.api.wire import (
    acts_on,
    blobs,
    count,
    counts,
    everything,
    kinds_on,
    problem,
    proven,
    rows,
    signed,
    stored,
    upload,
)
from tests.deployment import Running, picture, running
from tests.ledger.world import HeldClock
from tests.serving import on_the_network

MEMBERS = {"v", "id", "kind", "time", "policy", "commit", "actor", "prev"}
CLAIM = {
    "title": "A title nobody else has",
    "tool": {"name": "Unmistakable Brush", "version": "7.7.7"},
    "author": {"name": "Hypatia Unmistakable", "statement": "words of the author alone"},
    "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}, {"name": "com.example.unmistakable"}],
}


def forms(digest: str) -> list[bytes]:
    """A digest as it could be written down."""
    raw = bytes.fromhex(digest)
    return [digest.encode(), digest.upper().encode(), raw, base64.b64encode(raw)]


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("private")) as up:
        yield up


@pytest.fixture(scope="module")
def token(private: Running) -> str:
    return private.key("Unmistakable Brush")


def test_nothing_of_a_file_lies_in_clear(private: Running, token: str) -> None:
    content = picture("PNG", seed=11)
    with private.http(token) as http:
        answer = upload(http, content, CLAIM, mime="image/png", name="unmistakable-name.png")
        asset = answer.json()
        file = http.get(asset["links"]["content"]).content
        proven(private, asset["ledger"]["entry"])
    details = private.service.library.find(private.service.access.authenticate(token), asset["id"]).details
    assert details is not None
    kept = everything(private)
    secrets = {
        "title": [b"A title nobody else has"],
        "author": [b"Hypatia Unmistakable", b"words of the author alone"],
        "tool version": [b"7.7.7"],
        "action": [b"com.example.unmistakable"],
        "file name": [b"unmistakable-name"],
        "uploaded SHA-256": forms(hashlib.sha256(content).hexdigest()),
        "signed SHA-256": forms(hashlib.sha256(file).hexdigest()),
        "pixel hash": forms(details.upload.content.content_hash),
        "PDQ": forms(details.upload.content.frames[0].pdq),
        "media": [content[200:264], file[-264:-200]],
        "manifest store": [b"c2pa.claim", b"jumb"],
    }
    for what, plain in secrets.items():
        assert not [one for one in plain if one in kept], f"{what} lies in clear"


def test_blobs_are_sealed_under_random_names(private: Running, token: str) -> None:
    before = blobs(private)
    with private.http(token) as http:
        asset, file = signed(http)
    (name,) = blobs(private) - before
    assert re.fullmatch(r"blb_[a-z2-7]{26}", name)
    assert name.removeprefix("blb_") not in json.dumps(asset)
    sealed = (private.home.blobs / name).read_bytes()
    assert len(sealed) > len(file)
    assert not any(file[at : at + 16] in sealed for at in range(0, len(file) - 16, 512))


def test_ledger_entries_have_eight_members_and_nothing_of_anyone(private: Running, token: str) -> None:
    with private.http(token) as http:
        asset, _ = signed(http, claim=CLAIM)
        http.delete(asset["links"]["self"])
    for (data,) in rows(private, "SELECT data FROM entry"):
        members = json.loads(data)
        assert set(members) == MEMBERS
        assert re.fullmatch(r"[0-9a-f]{64}", members["commit"])
        assert re.fullmatch(r"[0-9a-f]{64}", members["actor"])
        said = f"{members['id']} {members['kind']} {members['policy']}"
        assert not re.search(r"ast_|prn_|tnt_|key_|sub_", said)


def test_actor_cannot_be_compared_between_assets(private: Running, token: str) -> None:
    with private.http(token) as http:
        entries = [signed(http)[0]["ledger"]["entry"] for _ in range(2)]
    actors = [
        json.loads(data)["actor"]
        for entry in entries
        for (data,) in rows(private, "SELECT data FROM entry WHERE id = ?", entry)
    ]
    assert actors[0] != actors[1]


def test_api_keys_are_hashed(private: Running) -> None:
    token = private.key()
    secret = token.rsplit("_", 1)[1]
    kept = everything(private)
    assert secret.encode() not in kept
    assert bytes.fromhex(secret) not in kept
    digests = {digest for (digest,) in rows(private, "SELECT digest FROM api_key")}
    assert hashlib.sha256(secret.encode()).hexdigest() in digests


def test_idempotency_row_holds_no_bare_digest(private: Running, token: str) -> None:
    content = picture(seed=21)
    with private.http(token) as http:
        upload(http, content, headers={"Idempotency-Key": "once"})
    away = private.operator.issue_key({"tool": "Unmistakable Brush", "new_tenant": True})["token"]
    with private.http(str(away)) as http:
        upload(http, content, headers={"Idempotency-Key": "once"})
    found = rows(private, "SELECT key, body FROM idempotency ORDER BY rowid")[-2:]
    keys, bodies = zip(*found, strict=True)
    assert len(set(keys)) == len(set(bodies)) == 2, "the same request under another tenant must look different"
    assert hashlib.sha256(content).hexdigest() not in bodies
    assert not {"once", hashlib.sha256(b"once").hexdigest()} & {*keys}
    with private.http(token) as http:
        upload(http, content, headers={"Idempotency-Key": "twice"})
    (again,) = rows(private, "SELECT key, body FROM idempotency ORDER BY rowid DESC LIMIT 1")
    assert again[0] not in keys
    assert again[1] in bodies


def test_media_are_the_uploading_principals_alone(private: Running, token: str) -> None:
    with private.http(token) as http:
        asset, _ = signed(http, claim={"visibility": "public"})
    colleague = private.key()
    stranger = private.operator.issue_key({"tool": "Away", "new_tenant": True})["token"]
    holder = private.home.holder()
    assert holder is not None
    for other in (colleague, str(stranger), holder.token):
        with private.http(other) as http:
            for path in asset["links"].values():
                problem(http.get(path), 404, "asset-not-found")
            problem(http.delete(asset["links"]["self"]), 404, "asset-not-found")


def test_erasing_takes_everything_but_the_tombstone(private: Running, token: str) -> None:
    content = picture(seed=31)
    with private.http(token) as http:
        asset, file = signed(http, content, CLAIM)
        child, _ = signed(http, file)
        before = proven(private, asset["ledger"]["entry"])
        columns, store = "details, manifest_label, blob_id", "SELECT sealed FROM manifest_store WHERE asset_id = ?"
        ((details, label, blob),) = rows(private, f"SELECT {columns} FROM asset WHERE id = ?", asset["id"])
        (manifests,) = rows(private, store, asset["id"])
        (wrapped,) = rows(private, "SELECT wrapped FROM subject_key WHERE id = ?", asset["id"])
        (payload,) = rows(private, "SELECT sealed FROM payload WHERE subject_id = ?", asset["id"])
        for old in (details, manifests[0], label.encode(), wrapped[0], payload[0]):
            assert old[-64:] in stored(private)

        erased = http.delete(asset["links"]["self"]).json()

        assert rows(private, f"SELECT {columns} FROM asset WHERE id = ?", asset["id"]) == [(None, None, None)]
        assert rows(private, store, asset["id"]) == []
        assert rows(private, "SELECT * FROM subject_key WHERE id = ?", asset["id"]) == []
        assert rows(private, "SELECT sealed FROM payload WHERE subject_id = ?", asset["id"]) == [(None,)]
        assert blob not in blobs(private)
        assert rows(private, "SELECT * FROM blob WHERE id = ?", blob) == []
        kept = stored(private)
        for old in (details, manifests[0], wrapped[0], payload[0]):
            assert old[-64:] not in kept, "old bytes are still in the database or its log"

        key = private.operator.log_key()
        assert verify_receipt(before, key).entry.id == asset["ledger"]["entry"]
        assert verify_receipt(proven(private, asset["ledger"]["entry"]), key).entry.kind == "asset.signed"
        assert verify_receipt(proven(private, erased["ledger"]["entry"]), key).entry.kind == "asset.erased"

        tombstone = http.get(asset["links"]["self"]).json()
        assert tombstone["state"] == "erased"
        assert {
            tombstone[name] for name in ("title", "mime", "sha256", "manifest", "signed_with", "width", "bytes")
        } == {None}
        custody = http.get(child["links"]["custody"]).json()
        states = [(node["asset"], node["state"]) for node in custody["nodes"] if node.get("asset")]
        assert states == [(child["id"], "signed"), (asset["id"], "erased")]
        assert [act["kind"] for act in acts_on(custody, asset["id"])] == ["asset.signed", "asset.erased"]
    report = private.service.ledger.verify()
    assert report.sound, report.fault


def test_retention_ends_the_media_and_keeps_the_record(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock) as up, up.http(up.key()) as http:
        asset, _ = signed(http, claim={"title": "Soon gone"})
        path, content = asset["links"]["self"], asset["links"]["content"]
        clock.move(timedelta(days=7) - timedelta(seconds=1))
        up.service.housekeeping.round()
        assert http.get(content).status_code == 200
        clock.move(timedelta(seconds=1))
        up.service.housekeeping.round()
        assert problem(http.get(content), 410, "asset-gone")["reason"] == "expired"
        kept = http.get(path).json()
        assert (kept["state"], kept["title"], kept["sha256"]) == ("expired", "Soon gone", asset["sha256"])
        assert blobs(up) == set()
        assert count(up, "blob") == 0
        assert kinds_on(http, asset) == ["asset.signed", "asset.expired"]
        up.service.housekeeping.round()
        assert rows(up, "SELECT count(*) FROM payload WHERE kind = 'asset.expired'") == [(1,)]
        assert http.delete(path).status_code == 200
        assert http.get(path).json()["state"] == "erased"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on the network, behind a proxy at 127.0.0.1."""
    with served(tmp_path_factory.mktemp("watched"), trusted_proxies='["127.0.0.0/8"]') as up:
        yield up


def lines(up: Served) -> list[dict[str, object]]:
    """Every line so far."""
    with up.http("") as http:
        return lines_before(http, up.home)


def lines_before(http: httpx.Client, home: Home) -> list[dict[str, object]]:
    """A line is written after its answer: wait for the line of one more request."""
    last = http.get("/healthz").headers["x-request-id"]
    deadline = time.monotonic() + 30
    while True:
        found = [json.loads(line) for line in (home.logs / "requests.log").read_text().splitlines()]
        if any(line.get("request") == last for line in found):
            return [line for line in found if line["event"] == "answered" and line["request"] != last]
        assert time.monotonic() < deadline, "the log does not grow"
        time.sleep(0.01)


def test_logs_name_no_file_asset_address_or_token(watched: Served) -> None:
    with watched.operator() as operator:
        issued = operator.issue_key({"tool": "Brush"})
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.77"}
    with watched.http(issued["token"]) as http:
        http.headers.update(forwarded)
        asset, file = signed(http, claim={"title": "Unmistakable"})
        http.get(asset["links"]["custody"])
        http.get("/no/such/unmistakable/page?query=unmistakable")
        http.get(f"/v1/receipts/{asset['ledger']['entry']}")
        upload(http, b"not a picture", name="unmistakable.jpg")
        http.delete(asset["links"]["self"])
        http.get(asset["links"]["content"])
    with watched.http() as anyone:
        upload(anyone, file, path="/v1/verifications", name="unmistakable.jpg")
        anyone.get("/v1/assets/x", headers={"Authorization": "Bearer sgk_wrong_unmistakable"})
    text = (watched.home.logs / "requests.log").read_text()
    for secret in (
        asset["id"], asset["ledger"]["entry"], asset["sha256"], asset["manifest"], issued["token"], issued["id"],
        "nmistakable", "203.0.113.77", "198.51.100", "127.0.0.1", "sgk_", "ast_",
    ):  # fmt: skip
        assert secret not in text, f"{secret} is in the log"
    by_route = {line["route"]: line for line in lines(watched)}
    custody = by_route["/v1/assets/{asset}/custody"]
    assert custody["principal"] == issued["principal"]
    assert custody["network"] == "203.0.113.0/24"
    assert set(custody) == {
        "event", "level", "timestamp", "request", "route", "method", "status", "ms", "principal", "network",
    }  # fmt: skip
    assert by_route["unmatched"]["status"] == 404


def test_a_proxy_may_append_a_line_of_its_own(watched: Served) -> None:
    with watched.http() as anyone:
        anyone.get("/ledger/log.vkey", headers=[("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "192.0.2.7")])
    assert {line["network"] for line in lines(watched) if line["route"] == "/ledger/log.vkey"} == {"192.0.2.0/24"}


def test_anonymous_verification_leaves_a_counter_and_no_line(watched: Served) -> None:
    with watched.http() as anyone:
        report = upload(anyone, path="/v1/verifications").json()
        metrics = anyone.get("/metrics").text
    assert report["verdict"] == "absent"
    assert 'sigillo_verifications_total{verdict="absent"}' in metrics
    assert [line for line in lines(watched) if line["route"] == "/v1/verifications" and not line["principal"]] == []


def test_forwarded_headers_of_strangers_are_not_believed(tmp_path: Path) -> None:
    with logging_put_back(), running(tmp_path) as up, on_the_network(up) as client, client() as anyone:
        configure(up.home.logs)
        anyone.get("/ledger/log.vkey", headers={"X-Forwarded-For": "203.0.113.77"})
        found = lines_before(anyone, up.home)
    assert {line["network"] for line in found if line["route"] == "/ledger/log.vkey"} == {"127.0.0.0/24"}


def test_anonymous_verification_keeps_nothing(private: Running, token: str) -> None:
    with private.http(token) as http:
        _, file = signed(http, claim={"visibility": "public"})
    before = counts(private)
    with private.http() as anyone:
        for _ in range(3):
            upload(anyone, file, path="/v1/verifications")
    assert counts(private) == before


def test_client_does_not_tell_what_a_file_is_called_at_home(private: Running, tmp_path: Path) -> None:
    file = tmp_path / "unmistakable-home-name.jpg"
    file.write_bytes(picture())
    asset = private.operator.sign(file, {})
    assert "unmistakable" not in json.dumps(asset)
