"""Who decides what is held: the person, a reviewer, and what the uploader may say to it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sigillo_client import Problem
from tests.api.holders import Holder, acts, begun
from tests.api.people import somebody
from tests.api.wire import kinds_on, problem, rows
from tests.cases.likeness.people import People
from tests.cases.likeness.test_at_upload import TYPES, held, log
from tests.cases.likeness.test_retroactive import finish as round_of
from tests.deployment import Running


@pytest.fixture(scope="module")
def token(registry: Running) -> str:
    return registry.key(source_types=TYPES)


@pytest.fixture
def http(registry: Running, token: str) -> Any:
    with registry.http(token) as http:
        yield http


def shown(up: Running, asset: dict[str, Any]) -> dict[str, Any]:
    """A held asset as a reviewer sees it."""
    found: dict[str, dict[str, Any]] = {one["asset"]: one for one in up.operator.held_assets()["holds"]}
    return found[asset["id"]]


def kinds(http: Any, asset: dict[str, Any]) -> list[str]:
    return kinds_on(http, asset)


def test_confirming_gives_out_what_nobody_else_holds(registry: Running, people: People, http: Any) -> None:
    with people.registered() as she, people.registered(people.like_her(0.9)) as sister:
        asset = held(http)
        (hers,), (sisters,) = log(registry, she), log(registry, sister)
        registry.operator.respond(she, hers["id"], "confirmed")
        assert http.get(asset["links"]["self"]).json()["state"] == "held", "her sister has not"
        registry.operator.respond(sister, sisters["id"], "confirmed")
        assert http.get(asset["links"]["content"]).status_code == 200
        assert kinds(http, asset) == ["asset.signed", "asset.held", "asset.released"]
        assert log(registry, she)[0]["response"] == "confirmed"
        with pytest.raises(Problem, match="was confirmed before"):
            registry.operator.respond(she, hers["id"], "objected")


def test_objecting_keeps_it_held_and_a_reviewer_has_the_last_word(registry: Running, people: People, http: Any) -> None:
    with people.registered() as she:
        asset = held(http)
        registry.operator.respond(she, log(registry, she)[0]["id"], "objected")
        assert shown(registry, asset)["refused_at"]
        problem(http.get(asset["links"]["content"]), 409, "asset-held")
        answer = http.post(asset["hold"]["appeal"], json={"statement": "She is our actor."})
        assert answer.status_code == 201
        assert shown(registry, asset)["people"] == 1
        assert shown(registry, asset)["appeal"] == "She is our actor."
        registry.operator.release_asset(asset["id"], "her agent agreed, case 7")
        assert http.get(asset["links"]["content"]).status_code == 200
        with pytest.raises(Problem, match="not held"):
            registry.operator.refuse_asset(asset["id"], "too late")
        assert kinds(http, asset) == [
            "asset.signed", "asset.held", "asset.refused", "asset.appealed", "asset.released",
        ]  # fmt: skip


@pytest.mark.parametrize("who", ["she", "reviewer"])
def test_what_somebody_decided_stays_held_when_its_registration_ends(
    registry: Running, people: People, http: Any, who: str
) -> None:
    """Naming nobody; what nobody decided is given out."""
    holds = registry.service.registry.likeness.holds
    with people.registered() as she:
        decided, undecided = held(http), held(http)
        (line,) = (line for line in log(registry, she) if line["entry"] == decided["ledger"]["entry"])
        if who == "she":
            registry.operator.respond(she, line["id"], "objected")
        people.withdraw(she)
        if who == "reviewer":  # before the round that lets go
            registry.operator.refuse_asset(decided["id"], "case 9")
        while holds.end_withdrawn():
            pass
    assert http.get(undecided["links"]["content"]).status_code == 200
    problem(http.get(decided["links"]["content"]), 409, "asset-held")
    kept = "SELECT registration_id, line_id, ended FROM likeness_hold WHERE asset_id = ?"
    assert rows(registry, kept, decided["id"]) == [(None, None, 0)]
    assert (shown(registry, decided)["people"], bool(shown(registry, decided)["refused_at"])) == (0, True)
    with people.registered() as again:
        round_of(registry, again)
        assert len(rows(registry, kept, decided["id"])) == 2, "she decides anew"
        registry.operator.release_asset(decided["id"], "case 9 is settled")
    assert http.get(decided["links"]["content"]).status_code == 200


def test_a_reviewers_decision_is_in_the_log_of_everybody_it_was_held_for(
    registry: Running, people: People, http: Any
) -> None:
    with people.registered() as she, people.registered(people.like_her(0.9)) as sister:
        asset, other = held(http), held(http)
        assert [line["review"] for line in log(registry, she)] == [None, None]
        refused = registry.operator.refuse_asset(asset["id"], "both object, case 8")["ledger"]["entry"]
        for person in (she, sister):
            told = {line["entry"]: line["review"] for line in log(registry, person)}
            assert (told[asset["ledger"]["entry"]]["decision"], told[other["ledger"]["entry"]]) == ("refused", None)
            assert told[asset["ledger"]["entry"]]["entry"] == refused
        registry.operator.release_asset(asset["id"], "they settled, case 8")
        for person in (she, sister):
            (review,) = (line["review"] for line in log(registry, person) if line["review"])
            assert review["decision"] == "released"
            assert set(review) == {"decision", "at", "entry"}, "neither who nor why"


def test_who_uploaded_it_gives_nothing_out(registry: Running, people: People) -> None:
    """A platform's key that may do everything else: neither as a reviewer nor in the person's name."""
    scopes = ["assets:sign", "assets:read", "registrations:write", "registrations:read", "registrations:review"]
    with people.registered() as she, registry.http(registry.key(source_types=TYPES, scopes=scopes)) as platform:
        asset = held(platform)
        for way in ("release", "refusal"):
            problem(
                platform.post(f"/v1/likeness-holds/{asset['id']}/{way}", json={"reason": "mine"}), 403, "own-review"
            )
        said = f"/v1/registrations/{she}/matches/{log(registry, she)[0]['id']}/response"
        problem(platform.post(said, json={"response": "confirmed"}), 403, "own-review")
        assert platform.get(asset["links"]["self"]).json()["state"] == "held"
        registry.operator.respond(she, log(registry, she)[0]["id"], "confirmed")
        assert platform.get(asset["links"]["self"]).json()["state"] == "signed"


def test_one_persons_lines_are_nobody_elses(registry: Running, people: People, http: Any) -> None:
    with people.registered() as she, people.registered(people.stranger()) as other:
        held(http)
        (line,) = log(registry, she)
        with pytest.raises(Problem, match="no such match"):
            registry.operator.respond(other, line["id"], "confirmed")
        for path in (f"/v1/registrations/{she}/matches", "/v1/likeness-holds"):
            problem(http.get(path), 403, "scope-missing")


def test_a_person_reads_and_answers_their_own_and_nobody_elses(registry: Running, people: People, http: Any) -> None:
    with (
        somebody(registry) as she,
        somebody(registry) as other,
        people.registered(account=she.account) as hers,
        people.registered(people.stranger(), account=other.account) as theirs,
    ):
        asset = held(http)
        path = f"/v1/registrations/{hers}/matches"
        (line,) = she.http.get(path).json()["matches"]
        problem(other.http.get(path), 404, "registration-not-found")
        for answer in ("objected", "confirmed"):
            told = other.http.post(f"{path}/{line['id']}/response", json={"response": answer})
            problem(told, 404, "registration-not-found")
        assert other.http.get(f"/v1/registrations/{theirs}/matches").json()["matches"] == []
        problem(she.http.get("/v1/likeness-holds"), 403, "person-refused")
        assert she.http.post(f"{path}/{line['id']}/response", json={"response": "confirmed"}).status_code == 201
        assert http.get(asset["links"]["content"]).status_code == 200


def test_the_credential_alone_reads_the_log_and_releases(registry: Running, people: People, http: Any) -> None:
    """Nobody is signed in, and no platform's key is used."""
    her, eve = Holder(), Holder()
    with (
        people.registered() as she,
        people.registered(people.stranger()) as other,
        registry.http() as anyone,
        registry.http(registry.service.operator_token) as operator,
    ):
        her.fetch(operator, she)
        eve.fetch(operator, other)
        asset = held(http)
        (line,) = her.act(anyone, she, does="read").json()["matches"]
        answer = {"does": "answer", "match": line["id"], "response": "confirmed"}
        problem(eve.act(anyone, she, **answer), 403, "presentation-refused")
        problem(eve.act(anyone, other, **answer), 404, "match-not-found")
        objecting = her.show(begun(anyone, she, **{**answer, "response": "objected"}))
        problem(anyone.post(acts(she), json={"act": answer, "presentation": objecting}), 410, "passkey-challenge-gone")
        assert http.get(asset["links"]["self"]).json()["state"] == "held"
        done = her.act(anyone, she, **answer)
        assert done.status_code == 200, done.text
        assert http.get(asset["links"]["content"]).status_code == 200
        assert kinds(http, asset) == ["asset.signed", "asset.held", "asset.released"]
        problem(her.act(anyone, she, **answer), 409, "match-answered")


def test_two_who_answer_at_once_are_both_heard(registry: Running, people: People, http: Any) -> None:
    """Neither leaves it to the other to give the asset out."""
    with people.registered() as she, people.registered(people.like_her(0.9)) as sister:
        asset = held(http)
        threads = [
            threading.Thread(target=registry.operator.respond, args=(one, log(registry, one)[0]["id"], "confirmed"))
            for one in (she, sister)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert http.get(asset["links"]["content"]).status_code == 200
        assert kinds(http, asset) == ["asset.signed", "asset.held", "asset.released"]


def test_a_stranger_objects_to_nobodys_hold(registry: Running, people: People, http: Any) -> None:
    with people.registered():
        asset = held(http)
        with registry.http(registry.key("Other")) as stranger:
            problem(stranger.post(asset["hold"]["appeal"], json={"statement": "mine"}), 404, "asset-not-found")


def test_a_log_is_paged(registry: Running, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.schemas import likeness as schema
    from cases.likeness import log as module

    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(schema, "PAGE", 2)
    with people.registered() as she:
        with registry.http(registry.key(source_types=TYPES)) as http:
            made = [held(http)["ledger"]["entry"] for _ in range(3)]
        seen, cursor = [], ""
        while True:
            page = registry.operator.matches(she, cursor)
            seen += [line["entry"] for line in page["matches"]]
            cursor = page["next"] or ""
            if not cursor:
                break
        assert seen == made[::-1]
        with pytest.raises(Problem):
            registry.operator.matches(she, "nonsense!")
