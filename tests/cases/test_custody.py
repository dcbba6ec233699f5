from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.api.wire import count, counts, problem, signed, upload
from tests.deployment import Running, picture, running


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


def chain(http: httpx.Client, asset: dict[str, Any]) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = http.get(asset["links"]["custody"]).json()["links"]
    return links


def test_three_generations(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http, claim={"title": "First"})
        second, file = signed(
            http, file, {"title": "Second", "actions": [{"name": "c2pa.opened"}, {"name": "c2pa.cropped"}]}
        )
        third, file = signed(http, file, {"title": "Third"})
        links = chain(http, third)
        assert [(link["asset"], link["title"]) for link in links] == [
            (third["id"], "Third"), (second["id"], "Second"), (first["id"], "First"),
        ]  # fmt: skip
        for child, parent in pairwise(links):
            assert child["parent"]["asset"] == parent["asset"]
            assert child["parent"]["manifest"] == parent["manifest"]
            assert child["parent"]["verdict"] == "trusted"
        assert links[2]["parent"] is None
        assert [event["kind"] for link in links for event in link["events"]] == ["asset.signed"] * 3
        report = upload(http, file, path="/v1/verifications").json()
        assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")


def test_only_a_sound_manifest_links_to_its_asset(deployment: Running) -> None:
    """Its label alone can be written into any file; the finding is kept, the link is not made."""
    with deployment.http(deployment.key()) as http:
        original, file = signed(http)
        child, _ = signed(http, tampered(file))
        assert child["parent"]["manifest"] == original["manifest"]
        assert (child["parent"]["verdict"], child["parent"]["asset"]) == ("invalid", None)
        assert [link["asset"] for link in chain(http, child)] == [child["id"]]


def test_erased_middle_stays_as_a_tombstone(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http, claim={"title": "First"})
        second, file = signed(http, file)
        third, _ = signed(http, file)
        http.delete(second["links"]["self"])
        assert [(link["asset"], link["state"]) for link in chain(http, third)] == [
            (third["id"], "signed"), (second["id"], "erased"), (first["id"], "signed"),
        ]  # fmt: skip


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
        assert len(chain(http, child)) == 1


def test_parent_of_another_tenant_is_not_linked(deployment: Running) -> None:
    away = str(deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["token"])
    with deployment.http(deployment.key()) as http, deployment.http(away) as other:
        parent, file = signed(http, claim={"title": "Not yours"})
        child, _ = signed(other, file)
        assert (child["parent"]["verdict"], child["parent"]["asset"]) == ("trusted", None)
        shown = other.get(child["links"]["custody"]).text
        assert parent["id"] not in shown
        assert "Not yours" not in shown


def test_colleagues_parent_is_a_label_in_its_child(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http(deployment.key()) as colleague:
        parent, file = signed(http, claim={"title": "Not yours"})
        child, _ = signed(colleague, file)
        links = chain(colleague, child)
        assert [link["asset"] for link in links] == [child["id"]]
        assert links[0]["parent"]["manifest"] == parent["manifest"]
        assert "Not yours" not in str(links)


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
    lenient = strict.service.intake.policy
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
        assert up.service.ledger.entry(asset["ledger"]["entry"]).policy == name
