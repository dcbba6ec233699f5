"""What a regulator asks over HTTP, in a tenant of its own; who may not, and what everyone can see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ledger.commitment import commitment
from ledger.receipt import verify_receipt
from tests.api.wire import problem, proven, rows, signed
from tests.deployment import Running, picture

ENTRIES, DISCLOSURES, SEARCHES = "/v1/ledger/entries", "/v1/ledger/disclosures", "/v1/ledger/searches"
REASON = "case 2026-118"
GENERATED = {"actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}]}
MODEL = {"name": "example-diffusion", "version": "3.1", "provider": "Example AI"}
ALL = ["assets:sign", "assets:read", "assets:erase", "access:admin", "ledger:audit", "holds:admin"]


@dataclass(frozen=True)
class House:
    """A tenant with one camera, a regulator, and three assets: two by a model, of which one is erased."""

    up: Running
    camera: httpx.Client
    regulator: httpx.Client
    principal: str
    generated: dict[str, Any]
    plain: dict[str, Any]
    erased: dict[str, Any]
    erasure: str
    """The entry that says so."""


@pytest.fixture(scope="module")
def house(deployment: Running) -> Iterator[House]:
    issued = deployment.operator.issue_key(
        {"tool": "Brush", "source_types": ["trainedAlgorithmicMedia"], "scopes": ALL, "new_tenant": True}
    )
    with deployment.http(str(issued["token"])) as camera:
        made = camera.post("/v1/api-keys", json={"scopes": ["ledger:audit"]}).json()
        with deployment.http(made["token"]) as regulator:
            generated, _ = signed(camera, picture(seed=1), {**GENERATED, "model": MODEL})
            plain, _ = signed(camera, picture(seed=2))
            erased, _ = signed(camera, picture(seed=3), {**GENERATED, "model": MODEL})
            last = camera.delete(erased["links"]["self"]).json()["ledger"]["entry"]
            proven(deployment, last)
            yield House(deployment, camera, regulator, issued["principal"], generated, plain, erased, last)


def entry_of(asset: dict[str, Any]) -> str:
    return str(asset["ledger"]["entry"])


def said(house: House, opening: dict[str, Any]) -> Any:
    """What an opening's entry says, read by the service's own means."""
    entry = opening["opening"]["entry"]
    (tenant,) = rows(house.up, "SELECT tenant_id FROM payload WHERE entry_id = ?", entry)[0]
    return house.up.service.ledger.payloads.open(tenant, entry)


def test_a_payload_is_disclosed_and_everyone_can_see_that_one_was(house: House) -> None:
    answer = house.regulator.post(DISCLOSURES, json={"entries": [entry_of(house.generated)], "reason": REASON})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    (one,) = answer.json()["disclosed"]
    salt, payload = bytes.fromhex(one["salt"]), one["payload"].encode()
    receipt = verify_receipt(proven(house.up, one["entry"]), house.up.operator.log_key())
    assert commitment(salt, payload) == receipt.entry.commit
    assert MODEL["name"] in one["payload"]
    opened = said(house, answer.json())
    assert (opened.payload.entries, opened.payload.reason) == ((entry_of(house.generated),), REASON)
    public = verify_receipt(proven(house.up, answer.json()["opening"]["entry"]), house.up.operator.log_key())
    assert public.entry.kind == "payload.opened"


def test_what_cannot_be_opened_is_answered_as_such(house: House) -> None:
    def ask(*entries: str) -> httpx.Response:
        return house.regulator.post(DISCLOSURES, json={"entries": entries, "reason": REASON})

    problem(ask(entry_of(house.erased)), 410, "payload-erased")
    problem(ask("ent_" + "a" * 26), 404, "entry-not-found")
    both = ask(entry_of(house.erased), entry_of(house.plain)).json()
    assert [one["entry"] for one in both["disclosed"]] == [entry_of(house.plain)]
    assert both["erased"] == [entry_of(house.erased)]


def test_another_tenants_payloads_are_not_there(house: House) -> None:
    """The operator is a regulator of the home tenant, and of no other."""
    with house.up.http(house.up.service.operator_token) as http:
        answer = http.post(DISCLOSURES, json={"entries": [entry_of(house.plain)], "reason": REASON})
        problem(answer, 404, "entry-not-found")
        found = http.post(SEARCHES, json={"reason": REASON, "actor": house.principal}).json()
    assert found["matches"] == []


@pytest.mark.parametrize(
    ("wanted", "matches", "opened"),
    [
        ({"model": "example-diffusion"}, ["generated"], 2),
        ({"outcome": "signed"}, ["generated", "plain"], 2),
        ({"outcome": "signed", "model": "example-diffusion"}, ["generated"], 2),
        ({"model": "another"}, [], 2),
    ],
)
def test_payloads_are_searched(house: House, wanted: dict[str, str], matches: list[str], opened: int) -> None:
    answer = house.regulator.post(SEARCHES, json={"reason": REASON, "kind": "asset.signed", **wanted})
    found = answer.json()
    assert answer.headers["cache-control"] == "private, no-store"
    assert [one["entry"]["id"] for one in found["matches"]] == [entry_of(getattr(house, name)) for name in matches]
    assert (len(found["opened"]), found["erased"], found["next"]) == (opened, [entry_of(house.erased)], None)
    for one in found["matches"]:
        salt, payload = bytes.fromhex(one["disclosed"]["salt"]), one["disclosed"]["payload"].encode()
        assert commitment(salt, payload) == one["entry"]["commit"]
    opening = said(house, found).payload
    assert (opening.purpose, opening.question) == ("search", wanted)
    assert set(opening.entries) == {entry_of(one) for one in (house.generated, house.plain, house.erased)}


def test_payloads_are_searched_by_who_acted(house: House) -> None:
    found = house.regulator.post(SEARCHES, json={"reason": REASON, "actor": house.principal}).json()
    kinds = [one["entry"]["kind"] for one in found["matches"]]
    assert kinds[-3:] == ["asset.signed", "asset.signed", "asset.erased"]


def test_a_regulator_may_do_nothing_else(house: House) -> None:
    asset = house.plain["links"]["self"]
    with house.up.http() as anyone:
        assert anyone.get(ENTRIES).status_code == 200
    for answer in (
        house.regulator.get(asset),
        house.regulator.get(f"{asset}/content"),
        house.regulator.delete(asset),
        house.regulator.post("/v1/assets"),
        house.regulator.get("/v1/api-keys"),
        house.regulator.post("/v1/api-keys", json={"scopes": ["ledger:audit"]}),
        house.regulator.get("/v1/holds"),
        house.regulator.post("/v1/holds", json={"name": "x", "assets": ["ast_x"], "reason": "x"}),
        house.regulator.post("/v1/holds/x/release", json={"reason": "x"}),
        house.regulator.get("/v1/ledger/recovery"),
    ):
        problem(answer, 403, "scope-missing")


def test_nobody_else_may_open_payloads(house: House) -> None:
    asked = {"entries": [entry_of(house.plain)], "reason": REASON}
    with house.up.http(house.up.key()) as camera, house.up.http() as anyone:
        for path, body in ((DISCLOSURES, asked), (SEARCHES, {"reason": REASON, "outcome": "signed"})):
            assert problem(camera.post(path, json=body), 403, "scope-missing")["scope"] == "ledger:audit"
            problem(anyone.post(path, json=body), 401, "unauthenticated")


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"reason": None},
        {"reason": "\u202e"},
        {"entries": []},
        {"entries": ["ent_x"]},
        {"why": "x"},
    ],
)
def test_a_disclosure_without_its_form_opens_nothing(house: House, change: dict[str, Any]) -> None:
    asked = {"entries": [entry_of(house.plain)], "reason": REASON} | change
    problem(house.regulator.post(DISCLOSURES, json=asked), 422, "request-invalid")
    many = {"entries": [entry_of(house.plain)] * 101, "reason": REASON}
    problem(house.regulator.post(DISCLOSURES, json=many), 422, "request-invalid")


def test_searches_that_cannot_be_answered(house: House) -> None:
    for body in (
        {"reason": REASON},
        {"outcome": "signed"},
        {"reason": REASON, "outcome": "signed", "kind": "Asset"},
    ):
        problem(house.regulator.post(SEARCHES, json=body), 422, "request-invalid")
    unsearchable = {"reason": REASON, "outcome": "signed", "kind": "asset.erased"}
    problem(house.regulator.post(SEARCHES, json=unsearchable), 422, "search-refused")
    with house.up.http() as anyone:
        problem(anyone.get(ENTRIES, params={"cursor": "x"}), 422, "search-refused")
        problem(anyone.get(ENTRIES, params={"cursor": "999999999.0"}), 422, "search-refused")
        for wrong in ({"kind": "x"}, {"policy": "x"}, {"from": "yesterday"}, {"to": "2026-01-01T00:00:00"}):
            problem(anyone.get(ENTRIES, params=wrong), 422, "request-invalid")


def test_what_no_utf8_can_carry_is_no_word(house: House) -> None:
    """Escaped in JSON it arrives, and no entry could hold it."""
    for body in ({"reason": "\ud800", "model": "x"}, {"reason": REASON, "model": "\ud800"}):
        answer = house.regulator.post(SEARCHES, content=json.dumps(body), headers={"Content-Type": "application/json"})
        problem(answer, 422, "request-invalid")


def test_public_entries_are_found_by_kind_policy_and_time(house: House) -> None:
    with house.up.http() as anyone:
        found = anyone.get(ENTRIES, params={"kind": "asset.erased"}).json()
        one = next(one for one in found["entries"] if one["entry"]["id"] == house.erasure)
        checked = verify_receipt(anyone.get(one["receipt"]).text, house.up.operator.log_key())
        assert {"v": 1, **vars(checked.entry)} == one["entry"]
        at = one["entry"]["time"]
        exact = {"kind": "asset.erased", "policy": "erasure@1", "from": at}
        assert one in anyone.get(ENTRIES, params=exact).json()["entries"]
        assert one not in anyone.get(ENTRIES, params={"kind": "asset.erased", "to": at}).json()["entries"]
        spoken = found["range"]
        assert spoken["proof"] == f"sigillo ledger bundle FILE --from {spoken['first']} --to {spoken['end'] - 1}"
        assert spoken["size"] >= spoken["end"] > one["index"]


def test_a_key_that_signs_names_a_tool(house: House) -> None:
    asked = {"scopes": ["ledger:audit", "assets:sign"]}
    refused = problem(house.camera.post("/v1/api-keys", json=asked), 422, "request-invalid")
    assert refused["detail"] == "tool: is missing"
