from __future__ import annotations

import base64
import json
from pathlib import Path

from ledger.auditing import bundle_verifier
from ledger.receipt import verify_receipt
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.tiles import ENTRIES, WIDTH, tile_path, unpack_bundle
from tests.api.wire import count, problem, proven, signed
from tests.deployment import Running

MEMBERS = {"v", "id", "kind", "time", "policy", "commit", "actor", "prev"}


def test_anyone_checks_a_receipt_against_the_checkpoint(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http, claim={"title": "Harbour"})
    entry = asset["ledger"]["entry"]
    proven(deployment, entry)
    with deployment.http() as anyone:
        vkey = anyone.get("/ledger/log.vkey").text
        note = anyone.get("/ledger/checkpoint")
        receipt = anyone.get(f"/v1/receipts/{entry}")
    head = verify_checkpoint(note.text, VerifierKey.parse(vkey))
    shown = verify_receipt(receipt.text, vkey)
    assert (shown.entry.id, shown.entry.kind) == (entry, "asset.signed")
    assert 0 < head.size <= count(deployment, "entry")
    assert note.headers["cache-control"] == "public, max-age=1"
    assert receipt.headers["content-type"].startswith("text/plain")


def test_public_entry_has_its_eight_members_and_says_nothing(deployment: Running) -> None:
    with deployment.http(deployment.key("Nameless Tool")) as http:
        asset, _ = signed(http, claim={"title": "Nobody's business"})
    receipt = proven(deployment, asset["ledger"]["entry"])
    carried = next(line for line in receipt.splitlines() if line.startswith("extra "))
    members = json.loads(base64.b64decode(carried.removeprefix("extra ")))
    assert set(members) == MEMBERS
    assert members["policy"] == "intake.record@1"
    for secret in (asset["id"], asset["title"], asset["sha256"], asset["manifest"], "Nameless Tool"):
        assert secret not in json.dumps(members)


def test_the_whole_log_is_published_as_files(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
    proven(deployment, asset["ledger"]["entry"])
    with deployment.http() as anyone:
        vkey = anyone.get("/ledger/log.vkey").text
        size = verify_checkpoint(anyone.get("/ledger/checkpoint").text, VerifierKey.parse(vkey)).size
        # The bundle with the entry: the deployment is everybody's, and its log may be long.
        receipt = anyone.get(f"/v1/receipts/{asset['ledger']['entry']}").text
        n = int(next(line for line in receipt.splitlines() if line.startswith("index ")).split()[1]) // WIDTH
        width = min(WIDTH, size - n * WIDTH)
        name = tile_path(ENTRIES, n, width)
        bundle = anyone.get(f"/ledger/{name}")
        assert bundle.headers["content-type"] == "application/octet-stream"
        assert bundle.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert any(asset["ledger"]["entry"].encode() in entry for entry in unpack_bundle(bundle.content, width))
        head = anyone.head(f"/ledger/{name}")
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "cache-control"):
            assert head.headers[name] == bundle.headers[name]
        for path in ("tile/0/000.p/256", tile_path(ENTRIES, size // WIDTH + 1, 1), "tile/x", "tile/", "tile/0/%2e%2e"):
            problem(anyone.get(f"/ledger/{path}"), 404, "tile-not-found")


def test_unknown_entry(deployment: Running) -> None:
    with deployment.http() as http:
        for entry in ("ent_" + "a" * 26, "x", "%00", "ast_x"):
            problem(http.get(f"/v1/receipts/{entry}"), 404, "entry-not-found")


def test_a_bundle_is_served_and_verifies(deployment: Running, tmp_path: Path) -> None:
    with deployment.http(deployment.key()) as http:
        proven(deployment, signed(http)[0]["ledger"]["entry"])
        last = int(http.get("/ledger/checkpoint").text.split("\n")[1]) - 1
        whole = http.get("/ledger/bundle.zip")
        part = http.get("/ledger/bundle.zip", params={"first": last, "last": last})
        assert whole.headers["content-disposition"].startswith("attachment")
        for first, answer in ((0, whole), (last, part)):
            file = tmp_path / f"{first}.zip"
            file.write_bytes(answer.content)
            found = bundle_verifier.verify(str(file), deployment.service.ledger.vkey())
            assert found[1].startswith(f"entries      {first} to ")
        for wrong in ((last, last + 10**6), (last + 1000, last + 1001), (last, last - 1)):
            answer = http.get("/ledger/bundle.zip", params=dict(zip(("first", "last"), wrong, strict=True)))
            problem(answer, 422, "range-refused")
        problem(http.get("/ledger/bundle.zip", params={"first": "x"}), 422, "request-invalid")


def test_activity_needs_no_key(deployment: Running) -> None:
    with deployment.http() as http:
        found = http.get("/v1/ledger/activity", params={"days": 3}).json()
        assert len(found["days"]) == 3
        assert all(len(one["entries"]) == 3 and sum(one["entries"]) == one["total"] for one in found["kinds"])
        problem(http.get("/v1/ledger/activity", params={"days": 367}), 422, "request-invalid")
