"""An upload is held when it is made or altered and shows somebody who refuses; and never because nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from cases.likeness import limits
from cases.likeness.matching import Matching
from cases.likeness.use import Use
from detection.errors import MatchUnknownError, Unknown
from detection.memfd import Memfd
from identity.registration.refusal import Purpose
from tests.api.trays import begun, file, post, told
from tests.api.wire import change, count, kinds_on, problem, rows, upload
from tests.cases.likeness.people import HER, People, nobody_can_look
from tests.deployment import Running, picture
from tests.detection.faces import photos

MADE = {"actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}]}
TAKEN = {"actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]}
TYPES = ["digitalCapture", "trainedAlgorithmicMedia", "composite"]


@pytest.fixture(scope="module")
def token(registry: Running) -> str:
    return registry.key(source_types=TYPES)


@pytest.fixture
def http(registry: Running, token: str) -> Any:
    with registry.http(token) as http:
        yield http


def held(http: httpx.Client, content: bytes = HER, claim: Any = MADE) -> dict[str, Any]:
    answer = upload(http, content, claim)
    assert answer.status_code == 202, answer.text
    asset: dict[str, Any] = answer.json()
    assert (asset["state"], asset["hold"]["reason"]) == ("held", "likeness-review")
    return asset


def log(up: Running, registration: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = up.operator.matches(registration)["matches"]
    return found


def test_made_of_somebody_who_refuses_is_signed_and_held(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered() as registration:
        asset = held(http)
        for part in ("content", "manifest"):
            problem(http.get(asset["links"][part]), 409, "asset-held")
        assert http.get(asset["links"]["self"]).json()["hold"] == asset["hold"]
        (line,) = log(registry, registration)
        assert (line["caller"], line["outcome"], line["held"]) == ("uploader", "held", True)
        assert line["entry"] == asset["ledger"]["entry"]
        text = str(asset)
        for secret in (registration, "possible", "likely", "certain"):
            assert secret not in text


def test_a_photograph_of_her_is_given_out_and_noted(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered() as registration:
        answer = upload(http, HER, TAKEN)
        assert (answer.status_code, answer.json()["hold"]) == (201, None)
        assert http.get(answer.json()["links"]["content"]).status_code == 200
        (line,) = log(registry, registration)
        assert (line["outcome"], line["held"]) == ("noted", False)


def test_who_does_not_refuse_that_use_only_sees_it(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered(None, Purpose.POLITICAL) as registration:
        assert upload(http, HER, {**MADE, "purpose": "commercial"}).status_code == 201
        assert upload(http, HER, {**MADE, "purpose": "political"}).status_code == 202
        assert upload(http, HER, MADE).status_code == 202  # it may be political: nobody said
        outcomes = [line["outcome"] for line in log(registry, registration)]
        assert outcomes == ["held", "held", "noted"]


def test_a_look_alike_never_holds_anything(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered(people.like_her(0.6)) as twin, people.registered(people.stranger()) as other:
        assert upload(http, HER, MADE).status_code == 201
        assert [line["outcome"] for line in log(registry, twin)] == ["noted"]
        assert log(registry, other) == []


def test_a_history_that_says_so_counts_as_much_as_the_claim(people: People, http: httpx.Client) -> None:
    """Made by a machine, signed here while nobody was registered, and brought back as if it were a photograph."""
    asset = upload(http, HER, MADE).json()
    made = http.get(asset["links"]["content"]).content
    with people.registered():
        held(http, made, {"actions": [{"name": "c2pa.edited"}]})
        tampered = made.replace(b"c2pa.created", b"c2pa.creates", 1)
        assert held(http, tampered, {})["parent"]["verdict"] == "invalid"


def test_where_faces_may_not_be_matched_none_is_looked_for(
    registry: Running, people: People, http: httpx.Client, token: str
) -> None:
    """And the sender's word that it is there lets nothing pass that it kept from being looked at."""
    with people.registered() as registration:
        photo = upload(http, HER, {**TAKEN, "place": "US-IL"})
        made = upload(http, HER, {**MADE, "place": "US-IL"})
        assert (photo.status_code, made.status_code, log(registry, registration)) == (201, 202, [])
        assert made.json()["hold"]["reason"] == "likeness-unchecked"
        tenant = registry.service.access.authenticate(token).tenant
        for answer in (photo, made):
            said = registry.service.ledger.payloads.open(tenant, answer.json()["ledger"]["entry"]).payload
            assert "likeness.skipped.us-il@1" in said.reasons
        registry.operator.release_asset(made.json()["id"], "a landscape")
        assert http.get(made.json()["links"]["content"]).status_code == 200


@pytest.mark.parametrize("named", ["", "FR", "US-IL"])
def test_where_the_operator_may_not_match_no_word_of_a_sender_does(
    registry: Running, people: People, named: str
) -> None:
    elsewhere = replace(registry.service.registry.likeness.at_upload.matching, place="US-TX")
    with people.registered(), Memfd.of([HER]) as file:
        tenant = registry.service.deployment.operator().tenant
        looked = elsewhere.look("test", tenant, file, "image/jpeg", Use.OTHER, named)
    assert (looked.sighted, looked.skipped, looked.whole, looked.unsure) == ((), ("us-tx@1",), False, False)


def test_unknown_is_never_nobody(registry: Running, people: People, http: httpx.Client) -> None:
    """Made media wait, held; a photograph passes; and both are looked at once somebody can."""
    service, unknown = registry.service, MatchUnknownError(Unknown.KEYS, "sealed")
    with people.registered() as registration:
        with nobody_can_look(registry, unknown):
            first = upload(http, HER, MADE)
            assert (first.status_code, first.json()["hold"]["reason"]) == (202, "likeness-unchecked")
            other = upload(http, picture(), MADE)
            assert other.status_code == 201, "nobody is in it, whoever is registered"
            photo = upload(http, HER, TAKEN)
            assert photo.status_code == 201
            assert log(registry, registration) == []
            due(registry)
            service.registry.likeness.unfinished.round()
            assert log(registry, registration) == [], "still unknown"
        due(registry)
        service.registry.likeness.unfinished.round()
        assert http.get(first.json()["links"]["self"]).json()["hold"]["reason"] == "likeness-review"
        assert sorted(line["outcome"] for line in log(registry, registration)) == ["held", "noted"]
    assert count(registry, "likeness_unchecked") == 0


def test_a_damaged_row_keeps_no_other_waiting(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered():
        with nobody_can_look(registry, MatchUnknownError(Unknown.INDEX, "old")):
            first, second = (upload(http, HER, MADE).json() for _ in range(2))
        change(registry, "UPDATE likeness_unchecked SET sealed = ? WHERE asset_id = ?", b"x" * 64, first["id"])
        due(registry)
        registry.service.registry.likeness.unfinished.round()
        reasons = [http.get(one["links"]["self"]).json()["hold"]["reason"] for one in (first, second)]
        assert reasons == ["likeness-unchecked", "likeness-review"]
        assert http.delete(first["links"]["self"]).status_code == 200


def test_held_for_want_of_a_look_is_given_out_when_it_shows_nobody(
    registry: Running, people: People, http: httpx.Client
) -> None:
    with people.registered(people.stranger()):
        with nobody_can_look(registry, MatchUnknownError(Unknown.INDEX, "old")):
            asset = upload(http, HER, MADE).json()
        assert asset["state"] == "held"
        due(registry)
        registry.service.registry.likeness.unfinished.round()
    assert http.get(asset["links"]["content"]).status_code == 200
    assert kinds_on(http, asset) == ["asset.signed", "asset.held", "asset.released"]


def test_files_that_come_together_are_counted_one_by_one(
    registry: Running, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may meet one person twice may not meet them four times in one request."""
    monkeypatch.setattr(limits, "PER_PERSON", 2)
    together = registry.key("Together", source_types=TYPES)
    with people.registered() as registration, registry.http(together) as http:
        files = [file("a", picture()), *(file(key, HER) for key in "bcde")]
        answered = told(post(http, begun(http), files, MADE))
        assert [one.said["state"] for one in answered] == ["signed", *["held"] * 4]
        assert [one.content is None for one in answered] == [False, *[True] * 4]
        assert len(log(registry, registration)) == 2


def test_every_moment_of_a_film_counts(registry: Running, people: People, http: httpx.Client) -> None:
    film = photos.film(photos.landscape(), photos.PORTRAIT, photos.landscape())
    with people.registered():
        answer = upload(http, film, MADE, mime="video/mp4")
        assert (answer.status_code, answer.json()["hold"]["reason"]) == (202, "likeness-review")


def test_erasing_and_withdrawing_end_holds(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered() as registration:
        erased, kept = held(http), held(http)
        assert http.delete(erased["links"]["self"]).status_code == 200
        shown = {one["asset"] for one in registry.operator.held_assets()["holds"]}
        assert (kept["id"] in shown, erased["id"] in shown) == (True, False)
        people.withdraw(registration)
        problem(httpx_of(registry, f"/v1/registrations/{registration}/matches"), 409, "registration-ended")
        hers = rows(registry, "SELECT 1 FROM likeness_match WHERE registration_id = ?", registration)
        assert hers == [], "her log ends with her key"
    registry.service.registry.likeness.holds.end_withdrawn()
    assert http.get(kept["links"]["content"]).status_code == 200
    assert kept["id"] not in {one["asset"] for one in registry.operator.held_assets()["holds"]}


def test_a_held_asset_is_no_parent_and_expires_as_any(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered():
        asset = held(http)
        made = upload(
            http, HER, {"actions": [{"name": "c2pa.cropped"}]}, path=f"/v1/assets/{asset['id']}/transformations"
        )
        problem(made, 409, "asset-held")
        change(registry, "UPDATE asset SET expires_at = 0 WHERE id = ?", asset["id"])
        registry.service.library.end_retention()
        assert http.get(asset["links"]["self"]).json()["state"] == "expired"
        problem(http.get(asset["links"]["content"]), 410, "asset-gone")
        assert rows(registry, "SELECT 1 FROM likeness_hold WHERE asset_id = ?", asset["id"]) == []


def test_waiting_for_its_retention_to_end_gives_out_nothing_of_what_is_held(
    registry: Running, people: People, http: httpx.Client
) -> None:
    """Whoever has the manifest makes the signed file of their own upload again."""
    with people.registered(), registry.http() as anyone:
        asset = held(http, claim={**MADE, "visibility": "public"})
        change(registry, "UPDATE asset SET expires_at = 0 WHERE id = ?", asset["id"])
        registry.service.library.end_retention()
        after = http.get(asset["links"]["self"]).json()
        assert (after["state"], after["hold"]) == ("expired", None)
        problem(http.get(asset["links"]["manifest"]), 410, "asset-gone")
        problem(http.post(f"{asset['links']['custody']}/bundle"), 410, "asset-gone")
        for asking in (http, anyone):
            problem(asking.get(f"/manifests/{asset['manifest']}"), 404, "manifest-not-found")
            assert asset["manifest"] not in asking.post("/matches/byContent", content=HER).text
        assert upload(anyone, HER, path="/v1/verifications").json()["recovered"]["looked"] == "nothing"


def test_nobody_registered_costs_no_look(
    registry: Running, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Matching, "look", lambda *_: pytest.fail("somebody looked"))
    assert upload(http, HER, MADE).status_code == 201


def test_the_same_upload_twice_is_one_held_asset(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered() as registration:
        answers = [upload(http, HER, MADE, headers={"Idempotency-Key": "her"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json()["id"] == answers[1].json()["id"]
        assert len(log(registry, registration)) == 1
        change(registry, "UPDATE asset SET expires_at = 0 WHERE id = ?", answers[0].json()["id"])
        registry.service.library.end_retention()
        again = upload(http, HER, MADE, headers={"Idempotency-Key": "her"})
        assert (again.status_code, again.json()["state"]) == (201, "expired"), "nobody looks at it any more"


def due(up: Running) -> None:
    """Whatever waits to be looked at waits no longer."""
    change(up, "UPDATE likeness_unchecked SET next_at = 0")


def httpx_of(up: Running, path: str) -> httpx.Response:
    """Asked as the operator."""
    with up.http(up.service.operator_token) as http:
        return http.get(path)
