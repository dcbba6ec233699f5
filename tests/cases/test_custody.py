from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from ledger.receipt import verify_receipt
from tests.api.wire import acts_on, assets_in, change, count, counts, problem, proven, rows, signed, upload
from tests.databases import KIND, SQLITE
from tests.deployment import Running, picture, running
from tests.recovering import photo, posted, saved


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment that refuses broken parents."""
    with running(tmp_path_factory.mktemp("strict"), parent_policy="refuse") as up:
        yield up


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("foreign")) as up:
        yield up


def tampered(file: bytes) -> bytes:
    changed = bytearray(file)
    changed[-200] ^= 0xFF
    return bytes(changed)


def told(http: httpx.Client, asset: dict[str, Any]) -> dict[str, Any]:
    """The custody of an asset."""
    answer = http.get(asset["links"]["custody"])
    assert answer.status_code == 200, answer.text
    custody: dict[str, Any] = answer.json()
    return custody


def of_file(http: httpx.Client, file: bytes) -> dict[str, Any]:
    """The custody of a file."""
    answer = upload(http, file, path="/v1/custody")
    assert answer.status_code == 200, answer.text
    custody: dict[str, Any] = answer.json()
    return custody


def typed(custody: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    """Its nodes of that type."""
    return [node for node in custody["nodes"] if node["type"] == type_]


def test_three_generations(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http, claim={"title": "First"})
        second, file = signed(
            http, file, {"title": "Second", "actions": [{"name": "c2pa.opened"}, {"name": "c2pa.cropped"}]}
        )
        third, file = signed(http, file, {"title": "Third"})
        custody = told(http, third)
        files = typed(custody, "file")
        assert [(node.get("asset"), node["title"]) for node in files] == [
            (third["id"], "Third"), (second["id"], "Second"), (first["id"], "First"), (None, None),
        ]  # fmt: skip
        assert [node["verdict"] for node in files] == ["trusted", "trusted", "trusted", None]
        for child, parent in pairwise(files):
            assert {"source": parent["id"], "target": child["id"], "type": "parentOf"} in custody["edges"]
        for asset in (first, second, third):
            assert [act["kind"] for act in acts_on(custody, asset["id"])] == ["asset.signed"]
        assert (custody["verdict"], custody["ancestry"], custody["content_checked"]) == ("trusted", "trusted", False)
        assert "itself shows" in custody["sentence"]
        whole = of_file(http, file)
        assert (whole["content_checked"], whole["nodes"]) == (True, custody["nodes"])
        assert whole["sentence"] == upload(http, file, path="/v1/verifications").json()["sentence"]
        report = upload(http, file, path="/v1/verifications").json()
        assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")


def test_only_a_sound_manifest_links_to_its_asset(deployment: Running) -> None:
    """Its label alone can be written into any file; the finding is kept, the link is not made."""
    with deployment.http(deployment.key()) as http:
        original, file = signed(http)
        child, _ = signed(http, tampered(file))
        assert child["parent"]["manifest"] == original["manifest"]
        assert (child["parent"]["verdict"], child["parent"]["asset"]) == ("invalid", None)
        custody = told(http, child)
        assert assets_in(custody) == [child["id"]]
        (parent,) = (node for node in typed(custody, "file") if node["id"] == original["manifest"])
        assert (parent["verdict"], parent["failures"]) == ("invalid", ["assertion.dataHash.mismatch"])


def test_erased_middle_stays_as_a_tombstone(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http, claim={"title": "First"})
        second, file = signed(http, file)
        third, _ = signed(http, file)
        http.delete(second["links"]["self"])
        custody = told(http, third)
        assert [(node["asset"], node["state"]) for node in typed(custody, "file") if node.get("asset")] == [
            (third["id"], "signed"), (second["id"], "erased"), (first["id"], "signed"),
        ]  # fmt: skip
        assert [act["kind"] for act in acts_on(custody, second["id"])] == ["asset.signed", "asset.erased"]
        tombstone = told(http, second)
        assert (tombstone["verdict"], tombstone["sentence"].split(".")[0]) == ("absent", "This was erased")
        assert [act["kind"] for act in acts_on(tombstone, second["id"])] == ["asset.signed", "asset.erased"]


def test_a_stripped_file_has_no_custody_and_that_of_what_it_looks_like_is_beside(deployment: Running) -> None:
    """Of that, everybody learns as much as of the original itself."""
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        first, file = signed(http, saved(photo(23)), {"title": "Before"})
        second, _ = signed(http, file, {"title": "Pier", "visibility": "public"})
        stripped = posted(photo(23))
        whole, custody, own = told(http, first), of_file(anyone, stripped), of_file(http, stripped)
    assert (custody["verdict"], custody["nodes"], custody["root"], custody["hands"]) == ("absent", [], None, [])
    assert custody["recovered"]["looked"] == "found"
    (seen,) = custody["recovered"]["candidates"]
    assert (seen["manifest_id"], seen["custody"]["root"], seen["title"]) == (
        second["manifest"],
        second["manifest"],
        "Pier",
    )
    assert (seen["custody"]["verdict"], seen["custody"]["content_checked"]) == ("trusted", False)
    assert "its own bytes are not signed" in custody["recovered"]["sentence"]
    assert {act["entry"] for act in seen["custody"]["nodes"] if act.get("entry")} == {second["ledger"]["entry"]}
    assert (seen["custody"]["owner"], first["id"] in str(custody)) == (None, False)
    (theirs,) = own["recovered"]["candidates"]  # of one who signed both, the first
    assert theirs["manifest_id"] == first["manifest"]
    assert (theirs["custody"]["nodes"], theirs["custody"]["owner"]) == (whole["nodes"], whole["owner"])


def test_how_sure_is_told_where_it_is_asked(deployment: Running) -> None:
    """The same score as a verification's: by the same signals, for the same reasons."""
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        asset, file = signed(http, saved(photo(29)), {"visibility": "public"})
        proven(deployment, asset["ledger"]["entry"])
        assert told(http, asset)["confidence"] == http.get(asset["links"]["self"]).json()["confidence"]
        assert of_file(http, file)["confidence"] is None
        for one in (file, posted(photo(29)), tampered(file)):
            found = upload(anyone, one, path="/v1/custody?confidence=true").json()
            same = upload(anyone, one, path="/v1/verifications?confidence=true").json()
            assert found["confidence"] == same["confidence"]
            assert found["confidence"]["reasons"]
            assert (found["recovered"] is None) == (same["recovered"] is None)


def test_broken_parent_is_recorded_and_shown(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        child, _ = signed(http, tampered(file))
        assert child["parent"]["verdict"] == "invalid"
        assert "assertion.dataHash.mismatch" in child["parent"]["codes"]
        assert child["parent"]["sentence"]
        assert child["parent"]["manifest"] == first["manifest"]


def test_untrusted_parent_is_recorded_and_not_linked(deployment: Running, foreign: Running) -> None:
    with foreign.http(foreign.key()) as away:
        _, file = signed(away)
    with deployment.http(deployment.key()) as http:
        child, _ = signed(http, file)
        assert (child["parent"]["verdict"], child["parent"]["asset"]) == ("untrusted", None)
        custody = told(http, child)
        assert assets_in(custody) == [child["id"]]
        assert (custody["verdict"], custody["ancestry"]) == ("trusted", "untrusted")
        assert [act["verdict"] for act in typed(custody, "verification")] == ["untrusted"]


def test_parent_of_another_tenant_is_not_linked(deployment: Running) -> None:
    away = str(deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["token"])
    with deployment.http(deployment.key()) as http, deployment.http(away) as other:
        parent, file = signed(http, claim={"title": "Not yours"})
        child, _ = signed(other, file)
        assert (child["parent"]["verdict"], child["parent"]["asset"]) == ("trusted", None)
        custody = told(other, child)
        assert parent["id"] not in str(custody)
        assert parent["ledger"]["entry"] not in str(custody)
        assert assets_in(custody) == [child["id"]]


def test_colleagues_parent_is_a_label_in_its_child(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http(deployment.key()) as colleague:
        parent, file = signed(http, claim={"title": "Not yours"})
        child, _ = signed(colleague, file)
        custody = told(colleague, child)
        assert assets_in(custody) == [child["id"]]
        assert parent["id"] not in str(custody)
        assert [node["id"] for node in typed(custody, "file")][1] == parent["manifest"]  # the file itself says so much


def test_strict_deployment_takes_sound_parents_only(strict: Running, foreign: Running) -> None:
    with strict.http(strict.key()) as http, foreign.http(foreign.key()) as away:
        _, file = signed(http)
        assert upload(http, file).status_code == 201
        _, theirs = signed(away)
        before = counts(strict)
        assert problem(upload(http, tampered(file)), 422, "parent-refused")["verdict"] == "invalid"
        assert problem(upload(http, theirs), 422, "parent-refused")["verdict"] == "untrusted"
        assert counts(strict) == before
        assert upload(http, picture()).status_code == 201


def test_strict_deployment_refuses_a_broken_ancestor_under_a_sound_parent(strict: Running, deployment: Running) -> None:
    lenient = strict.service.intake.keeping.policy
    with strict.http(strict.key()) as http:
        _, file = signed(http)
        object.__setattr__(lenient, "refuse_broken_parents", False)
        try:
            _, child = signed(http, tampered(file))
        finally:
            object.__setattr__(lenient, "refuse_broken_parents", True)
        entries = count(strict, "entry")
        problem(upload(http, child), 422, "parent-refused")
        assert count(strict, "entry") == entries


def test_policy_in_force_is_named_in_the_entry(strict: Running, deployment: Running) -> None:
    for up, name in ((strict, "intake.refuse@1"), (deployment, "intake.record@1")):
        with up.http(up.key()) as http:
            asset, _ = signed(http)
        proven(up, asset["ledger"]["entry"])
        assert up.service.ledger.entry(asset["ledger"]["entry"]).policy == name


def test_a_stranger_learns_what_is_public_and_no_name(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        hidden, file = signed(http, claim={"title": "Hidden"})
        shown, file = signed(http, file, {"title": "Shown", "visibility": "public"})
        own, custody = of_file(http, file), of_file(anyone, file)
    assert own["owner"] == own["hands"][0]["principal"]
    assert (custody["verdict"], custody["owner"], custody["hands"]) == (
        "trusted", None, [{**own["hands"][0], "principal": None}],
    )  # fmt: skip
    assert assets_in(custody) == []
    entries = {act["entry"] for act in custody["nodes"] if act.get("entry")}
    assert entries == {shown["ledger"]["entry"]}
    for secret in (hidden["id"], shown["id"], hidden["ledger"]["entry"], own["owner"]):
        assert secret in str(own)
        assert secret not in str(custody)


def test_a_public_assets_label_in_another_manifest_is_not_it(deployment: Running, foreign: Running) -> None:
    """Who can sign can write our label; the bytes of the manifest tell."""
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        shown, file = signed(http, claim={"visibility": "public"})
        change(foreign, "UPDATE asset SET manifest_label = ?", "none")
        with foreign.http(foreign.key()) as away:
            other, copied = signed(away, picture(seed=7), {"visibility": "public"})
        change(foreign, "UPDATE asset SET manifest_label = ? WHERE id = ?", shown["manifest"], other["id"])
        with foreign.http() as there:
            assert not any(node.get("entry") for node in of_file(there, file)["nodes"])
        assert of_file(anyone, file)["hands"][0]["entry"] == shown["ledger"]["entry"]
    assert copied


def test_which_model_and_what_was_done_is_told(deployment: Running) -> None:
    with deployment.http(deployment.key(source_types=["trainedAlgorithmicMedia"])) as http:
        made = {"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}
        model = {"name": "example-diffusion", "version": "3.1", "provider": "Example AI"}
        _, file = signed(http, picture(), {"actions": [made], "model": model})
        edited, _ = signed(http, file, {"actions": [{"name": "c2pa.opened"}, {"name": "c2pa.cropped"}]})
        custody = told(http, edited)
    assert custody["models"] == [model]
    actions = [[action["name"] for action in act["actions"]] for act in typed(custody, "transformation")]
    assert actions == [["c2pa.opened", "c2pa.cropped"], ["c2pa.created"]]
    (verification,) = typed(custody, "verification")
    assert (verification["verdict"], verification["entry"]) == ("trusted", edited["ledger"]["entry"])
    assert verification["by"] == custody["owner"]


def test_every_act_leads_to_a_file_and_every_receipt_holds(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http)
        asset, _ = signed(http, file)
        custody = told(http, asset)
        names = {node["id"] for node in custody["nodes"]}
        assert len(names) == len(custody["nodes"])
        assert {edge["source"] for edge in custody["edges"]} | {edge["target"] for edge in custody["edges"]} <= names
        acts = [node for node in custody["nodes"] if node.get("receipt")]
        assert len(acts) == 3  # two signings, one verification
        for act in acts:
            proven(deployment, act["entry"])
            receipt = verify_receipt(http.get(act["receipt"]).text, deployment.service.ledger.vkey())
            assert (receipt.entry.kind, receipt.entry.time) == (act["kind"], act["time"])


def test_a_revoked_signer_is_so_in_the_next_answer(own: Running) -> None:
    """What is remembered was found under one policy."""
    with own.http(own.key()) as http:
        asset, _ = signed(http)
        assert told(http, asset)["verdict"] == "trusted"
        own.operator.revoke_claim_key(asset["signed_with"], "keyCompromise", "2020-01-01T00:00:00Z")
        assert told(http, asset)["verdict"] == "invalid"


@pytest.mark.skipif(KIND != SQLITE, reason="how PostgreSQL would go about it depends on what it has counted")
def test_what_it_asks_takes_no_longer_where_others_have_more(deployment: Running) -> None:
    """Each statement finds its rows by an index, whoever asks."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, bound: Any, *_: object) -> None:
        asked.append((statement, bound))

    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        first, file = signed(http, claim={"visibility": "public"})
        asset, file = signed(http, file, {"visibility": "public"})
        http.delete(first["links"]["self"])
        engine = deployment.service.recovery.search.database.backend.engine
        event.listen(engine, "before_cursor_execute", listen)
        try:
            told(http, asset)
            of_file(anyone, file)
        finally:
            event.remove(engine, "before_cursor_execute", listen)
    plans = {said: rows(deployment, f"EXPLAIN QUERY PLAN {said}", *bound) for said, bound in asked}
    for table in ("asset", "handover", "payload", "entry", "custody_import"):
        assert any(f"SEARCH {table} USING" in row[-1] for plan in plans.values() for row in plan), table
        assert not [said for said, plan in plans.items() if any(row[-1].startswith(f"SCAN {table}") for row in plan)]
