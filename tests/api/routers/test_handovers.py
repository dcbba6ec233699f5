"""An asset is handed over by two: its owner offers it, and the receiver accepts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ledger.receipt import verify_receipt
from tests.api.wire import acts_on, change, count, kinds_on, problem, proven, rows, signed
from tests.deployment import Running, picture


@dataclass(frozen=True)
class Party:
    """A principal of the home tenant."""

    principal: str
    http: httpx.Client


@pytest.fixture
def parties(deployment: Running) -> Iterator[list[Party]]:
    """Three, none of whom knows of another's assets."""
    issued = [deployment.operator.issue_key({"tool": "Desk", "source_types": ["digitalCapture"]}) for _ in range(3)]
    clients = [deployment.http(str(one["token"])) for one in issued]
    yield [Party(str(one["principal"]), http) for one, http in zip(issued, clients, strict=True)]
    for http in clients:
        http.close()


def offered(by: Party, asset: dict[str, Any], to: Party) -> dict[str, Any]:
    """That it was offered."""
    answer = by.http.post(f"{asset['links']['self']}/handover", json={"to": to.principal})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def accepted(by: Party, asset: dict[str, Any]) -> dict[str, Any]:
    """That it was taken over."""
    answer = by.http.post(f"{asset['links']['self']}/handover/acceptance")
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_it_changes_hands_when_the_receiver_accepts(deployment: Running, parties: list[Party]) -> None:
    first, second, third = parties
    asset, file = signed(first.http, claim={"title": "Harbour"})
    offer = offered(first, asset, second)
    (waiting,) = second.http.get("/v1/handovers").json()["offers"]
    assert (waiting["id"], waiting["asset"], waiting["title"], waiting["owner"]) == (
        offer["ledger"]["entry"], asset["id"], "Harbour", first.principal,
    )  # fmt: skip
    problem(second.http.get(asset["links"]["self"]), 404, "asset-not-found")
    assert first.http.get(asset["links"]["self"]).status_code == 200
    done = accepted(second, asset)
    problem(first.http.get(asset["links"]["self"]), 404, "asset-not-found")
    assert second.http.get(asset["links"]["content"]).content == file
    assert second.http.get("/v1/handovers").json() == {"offers": [], "next": None}
    offered(second, asset, third)
    again = accepted(third, asset)
    custody = third.http.get(asset["links"]["custody"]).json()
    assert custody["owner"] == third.principal
    hands = [(hand["principal"], hand["entry"]) for hand in custody["hands"]]
    assert hands == [
        (first.principal, asset["ledger"]["entry"]),
        (second.principal, done["ledger"]["entry"]),
        (third.principal, again["ledger"]["entry"]),
    ]
    handed = [act for act in acts_on(custody, asset["id"]) if act["kind"] == "asset.handed_over"]
    assert [(act["type"], act["by"], act["to"]) for act in handed] == [
        ("handover", first.principal, second.principal),
        ("handover", second.principal, third.principal),
    ]
    receipt = proven(deployment, again["ledger"]["entry"])
    assert verify_receipt(receipt, deployment.service.ledger.vkey()).entry.kind == "asset.handed_over"


def test_whoever_offers_may_take_it_back_and_whoever_is_offered_decline(parties: list[Party]) -> None:
    first, second, third = parties
    asset, _ = signed(first.http)
    path = f"{asset['links']['self']}/handover"
    for party in (first, second):
        offered(first, asset, second)
        problem(third.http.delete(path), 404, "handover-not-found")
        assert party.http.delete(path).status_code == 200
        problem(party.http.delete(path), 404, "handover-not-found")
        problem(second.http.post(f"{path}/acceptance"), 404, "handover-not-found")
    assert kinds_on(first.http, asset) == ["asset.signed", *["asset.offered", "asset.offer_ended"] * 2]


def test_asked_twice_it_is_done_once(deployment: Running, parties: list[Party]) -> None:
    first, second, third = parties
    asset, _ = signed(first.http)
    offer = offered(first, asset, second)
    entries = count(deployment, "entry")
    assert offered(first, asset, second)["ledger"]["entry"] == offer["ledger"]["entry"]
    assert count(deployment, "entry") == entries
    done = accepted(second, asset)
    entries = count(deployment, "entry")
    assert accepted(second, asset)["ledger"]["entry"] == done["ledger"]["entry"]
    assert count(deployment, "entry") == entries
    problem(third.http.post(f"{asset['links']['self']}/handover/acceptance"), 404, "handover-not-found")


def test_a_later_offer_takes_the_place_of_the_first(parties: list[Party]) -> None:
    first, second, third = parties
    asset, _ = signed(first.http)
    offered(first, asset, second)
    offered(first, asset, third)
    assert second.http.get("/v1/handovers").json()["offers"] == []
    problem(second.http.post(f"{asset['links']['self']}/handover/acceptance"), 404, "handover-not-found")
    accepted(third, asset)


@pytest.mark.parametrize(("state", "status", "why"), [("held", 409, "asset-held"), ("expired", 410, "asset-gone")])
def test_what_is_held_since_it_was_offered_is_not_taken_over(
    deployment: Running, parties: list[Party], state: str, status: int, why: str
) -> None:
    """Nor what was held until its retention ended."""
    first, second, _ = parties
    asset, _ = signed(first.http)
    offered(first, asset, second)
    change(deployment, "UPDATE asset SET state = ?, held_for = 'likeness-review' WHERE id = ?", state, asset["id"])
    problem(second.http.post(f"{asset['links']['self']}/handover/acceptance"), status, why)
    assert rows(deployment, "SELECT principal_id FROM asset WHERE id = ?", asset["id"]) == [(first.principal,)]


def test_nobody_hands_on_what_is_not_theirs_nor_to_nobody(deployment: Running, parties: list[Party]) -> None:
    first, second, _ = parties
    asset, _ = signed(first.http)
    path = f"{asset['links']['self']}/handover"
    problem(second.http.post(path, json={"to": first.principal}), 404, "asset-not-found")
    away = deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["principal"]
    for to in (first.principal, f"prn_{'a' * 26}", away):
        problem(first.http.post(path, json={"to": to}), 404, "principal-not-found")
    problem(first.http.post(path, json={"to": "me"}), 422, "request-invalid")
    with deployment.http(deployment.key(scopes=["assets:read"])) as reader:
        problem(reader.post(path, json={"to": first.principal}), 403, "scope-missing")
        problem(reader.delete(path), 403, "scope-missing")
        problem(reader.post(f"{path}/acceptance"), 403, "scope-missing")


def test_other_tenants_see_and_reach_nothing(deployment: Running, parties: list[Party]) -> None:
    first, second, _ = parties
    asset, _ = signed(first.http)
    offered(first, asset, second)
    with deployment.http(str(deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["token"])) as away:
        path = f"{asset['links']['self']}/handover"
        assert away.get("/v1/handovers").json()["offers"] == []
        problem(away.post(path, json={"to": second.principal}), 404, "asset-not-found")
        problem(away.post(f"{path}/acceptance"), 404, "handover-not-found")
        problem(away.delete(path), 404, "handover-not-found")


def test_an_erased_asset_takes_its_offers_along(deployment: Running, parties: list[Party]) -> None:
    first, second, third = parties
    asset, _ = signed(first.http)
    offered(first, asset, second)
    accepted(second, asset)
    offered(second, asset, third)
    assert second.http.delete(asset["links"]["self"]).status_code == 200
    assert rows(deployment, "SELECT 1 FROM handover WHERE asset_id = ?", asset["id"]) == []
    problem(third.http.post(f"{asset['links']['self']}/handover/acceptance"), 404, "handover-not-found")
    problem(second.http.post(f"{asset['links']['self']}/handover", json={"to": third.principal}), 410, "asset-gone")


def test_of_many_who_accept_and_withdraw_at_once_one_is_right(deployment: Running, parties: list[Party]) -> None:
    first, second, _ = parties
    asset, _ = signed(first.http)
    path = f"{asset['links']['self']}/handover"
    offered(first, asset, second)
    answers: list[int] = []

    def ask(by: Party, method: str, url: str) -> None:
        answers.append(by.http.request(method, url).status_code)

    asked = [(second, "POST", f"{path}/acceptance"), (first, "DELETE", path)] * 4
    threads = [threading.Thread(target=ask, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (owner,) = rows(deployment, "SELECT principal_id FROM asset WHERE id = ?", asset["id"])[0]
    kinds = [kind for (kind,) in rows(deployment, "SELECT kind FROM payload WHERE subject_id = ?", asset["id"])]
    assert sorted(kinds) == sorted(
        ["asset.signed", "asset.offered", "asset.handed_over" if owner == second.principal else "asset.offer_ended"]
    )
    assert set(answers) <= {200, 201, 404}


def test_what_a_stolen_key_offered_is_not_accepted_once_it_is_revoked(deployment: Running) -> None:
    """The thief's own key is good; that of whoever owned the asset is not any more."""
    desk = {"tool": "Desk", "source_types": ["digitalCapture"]}
    stolen, thief = (deployment.operator.issue_key(desk) for _ in range(2))
    with deployment.http(str(stolen["token"])) as victim, deployment.http(str(thief["token"])) as other:
        asset, _ = signed(victim)
        offered(Party(str(stolen["principal"]), victim), asset, Party(str(thief["principal"]), other))
        deployment.operator.revoke_key(str(stolen["id"]))
        problem(other.post(f"{asset['links']['self']}/handover/acceptance"), 404, "handover-not-found")
        again = deployment.operator.issue_key({"tool": "Desk", "principal": stolen["principal"]})
        with deployment.http(str(again["token"])) as owner:
            assert owner.get(asset["links"]["self"]).status_code == 200
            assert owner.delete(f"{asset['links']['self']}/handover").status_code == 200


def test_of_erasing_and_accepting_at_once_one_happens(deployment: Running, parties: list[Party]) -> None:
    """Whoever loses finds nothing; the log never has an asset change hands that is erased already."""
    first, second, _ = parties
    for _ in range(4):
        asset, _ = signed(first.http)
        offered(first, asset, second)
        accepting = threading.Thread(target=second.http.post, args=(f"{asset['links']['self']}/handover/acceptance",))
        accepting.start()
        erased = first.http.delete(asset["links"]["self"]).status_code
        accepting.join()
        (owner, state) = rows(deployment, "SELECT principal_id, state FROM asset WHERE id = ?", asset["id"])[0]
        assert (erased, owner, state) in {(200, first.principal, "erased"), (404, second.principal, "signed")}
        assert second.http.get(asset["links"]["self"]).status_code == (200 if state == "signed" else 404)


def test_whoever_owned_it_before_has_nothing_left_of_it(deployment: Running, parties: list[Party]) -> None:
    """Not by the upload's own Idempotency-Key, nor as a parent, nor for another export."""
    first, second, _ = parties
    parts: dict[str, Any] = {"file": ("a.jpg", picture(seed=41), "image/jpeg")}
    headers = {"Idempotency-Key": "upload-41"}
    asset = first.http.post("/v1/assets", files=parts, headers=headers).json()
    file = first.http.get(asset["links"]["content"]).content
    offered(first, asset, second)
    accepted(second, asset)
    assets = count(deployment, "asset")
    problem(first.http.post("/v1/assets", files=parts, headers=headers), 404, "asset-not-found")
    own = asset["links"]["self"]
    changed: dict[str, Any] = {
        "file": ("b.jpg", file, "image/jpeg"),
        "claim": (None, '{"actions": [{"name": "c2pa.cropped"}]}'),
    }
    problem(first.http.post(f"{own}/transformations", files=changed), 404, "asset-not-found")
    problem(first.http.post(f"{own}/custody/bundle"), 404, "asset-not-found")
    problem(first.http.post(f"{own}/handover", json={"to": second.principal}), 404, "asset-not-found")
    problem(first.http.delete(own), 404, "asset-not-found")
    assert count(deployment, "asset") == assets
    child, _ = signed(first.http, file)
    assert child["parent"]["asset"] is None, "its child names no parent that is somebody else's"
