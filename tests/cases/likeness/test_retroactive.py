"""What was kept before somebody registers is looked at when they do: once, resumably, and until they withdraw."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.parts.workflows import Durable
from cases.durable import Next
from cases.errors import LikenessUnknownError
from cases.likeness import retroactive
from cases.likeness.matching import Looked, Matching
from cases.likeness.retroactive import Retroactive, Round, Stage
from detection.errors import MatchUnknownError, Unknown
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.record import State
from identity.registration.refusal import Purpose
from ledger.ids import SubjectId
from tests.api.wire import problem, rows, upload
from tests.cases.likeness.people import HER, People, nobody_can_look
from tests.cases.likeness.test_at_upload import MADE, TAKEN, TYPES
from tests.databases import KIND, SQLITE
from tests.deployment import Running, picture, running

PATIENCE = 120


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One of this module's: a round looks at all there is, and the other's has whatever every other test uploaded."""
    with running(tmp_path_factory.mktemp("registry")) as up:
        yield up


@pytest.fixture(scope="module")
def people(registry: Running) -> People:
    return People(registry)


@pytest.fixture(scope="module")
def http(registry: Running) -> Iterator[httpx.Client]:
    with registry.http(registry.key(source_types=TYPES)) as http:
        yield http


KEPT: list[str] = []
"""Where the assets of a test lie."""


@pytest.fixture(autouse=True)
def _nothing_stays(http: httpx.Client) -> Iterator[None]:
    """A round looks at all there is: at each test's own, and not at those of every test before it."""
    yield
    while KEPT:
        assert http.delete(KEPT.pop()).status_code == 200


def signed(http: httpx.Client, content: bytes, claim: Any) -> dict[str, Any]:
    answer = upload(http, content, claim)
    assert answer.status_code == 201, answer.text
    asset: dict[str, Any] = answer.json()
    KEPT.append(asset["links"]["self"])
    return asset


def words(up: Running, registration: str, which: Round = Round.ALL) -> tuple[str, ...]:
    return (up.service.deployment.operator().tenant, registration, which)


def finish(up: Running, registration: str, which: Round = Round.ALL) -> None:
    while up.service.registry.likeness.retroactive.turn(words(up, registration, which)) is Next.MORE:
        pass


def outcomes(up: Running, registration: str) -> list[str]:
    return sorted(line["outcome"] for line in up.operator.matches(registration)["matches"])


@pytest.fixture
def durable(registry: Running) -> Iterator[Durable]:
    """Its workflows; there is room for another service's after it."""
    yield registry.service.housekeeping.durable
    registry.service.housekeeping.durable.leave()


def test_a_service_looks_back_by_itself(
    registry: Running, people: People, http: httpx.Client, durable: Durable
) -> None:
    made, taken = signed(http, HER, MADE), signed(http, HER, TAKEN)
    nobody = signed(http, picture(), MADE)
    with people.registered() as registration:
        durable.begin()
        deadline = time.monotonic() + PATIENCE
        while (state := registry.operator.retroactive(registration))["stage"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state["looked"] == state["media"] >= 3
        assert (state["unseen"], state["began_at"] <= state["ended_at"]) == (0, True)
        assert http.get(made["links"]["self"]).json()["hold"]["reason"] == "likeness-review"
        for given in (taken, nobody):
            assert http.get(given["links"]["self"]).json()["state"] == "signed"
        found = outcomes(registry, registration)
        assert len(found) == state["found"]
        assert {"held", "noted"} <= set(found)


def test_looking_again_tells_nobody_twice(registry: Running, people: People, http: httpx.Client) -> None:
    signed(http, HER, TAKEN)
    with people.registered() as registration:
        finish(registry, registration)
        found = outcomes(registry, registration)
        assert found
        finish(registry, registration)
        finish(registry, registration, Round.LATE)
        assert outcomes(registry, registration) == found


def test_a_turn_that_is_taken_twice_counts_once(
    registry: Running, people: People, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill -9 between the rows and the note that the turn was taken, or with two leaders for a moment."""
    monkeypatch.setattr(retroactive, "AT_ONCE", 1)
    signed(http, HER, TAKEN)
    look_back = registry.service.registry.likeness.retroactive
    with people.registered() as registration:
        tenant = registry.service.deployment.operator().tenant
        again: list[bool] = []
        whole = Retroactive._asset

        def twice(self: Retroactive, *asset: Any) -> bool:
            moved = whole(self, *asset)
            again.append(whole(self, *asset))
            return moved

        monkeypatch.setattr(Retroactive, "_asset", twice)
        finish(registry, registration)
        state = look_back.progress(tenant, registration)
        assert state.looked == state.media == len(again)
        assert not any(again)


def test_withdrawing_meanwhile_stops_it(
    registry: Running, people: People, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = signed(http, HER, MADE)
    signed(http, HER, MADE)
    look, seen = Matching.look, list[Looked]()
    with people.registered() as registration:

        def withdrawn_meanwhile(self: Matching, *args: Any, **kwargs: Any) -> Looked:
            seen.append(look(self, *args, **kwargs))
            if seen[-1].sighted:
                people.withdraw(registration)
            return seen[-1]

        monkeypatch.setattr(Matching, "look", withdrawn_meanwhile)
        finish(registry, registration)
        assert sum(bool(one.sighted) for one in seen) == 1
        assert http.get(asset["links"]["self"]).json()["state"] == "signed"
        looked = len(seen)
        assert registry.service.registry.likeness.retroactive.turn(words(registry, registration)) is Next.DONE
        assert len(seen) == looked
        monkeypatch.undo()
        assert words(registry, registration) not in registry.service.registry.likeness.retroactive.due()


def test_what_cannot_be_looked_at_now_is_looked_at_later(registry: Running, people: People, http: httpx.Client) -> None:
    signed(http, HER, TAKEN)
    look_back = registry.service.registry.likeness.retroactive
    tenant = registry.service.deployment.operator().tenant
    with people.registered() as registration:
        with nobody_can_look(registry, MatchUnknownError(Unknown.KEYS, "sealed")):
            with pytest.raises(LikenessUnknownError):
                finish(registry, registration)
            assert look_back.progress(tenant, registration).stage is Stage.RUNNING
            assert outcomes(registry, registration) == []
        finish(registry, registration)
        assert "noted" in outcomes(registry, registration)


def gone(up: Running, people: People, registration: SubjectId) -> None:
    """She withdraws, and what that registration held is let go of."""
    people.withdraw(registration)
    while up.service.registry.likeness.holds.end_withdrawn():
        pass


@pytest.mark.parametrize("who", ["reviewer", "she"])
def test_what_was_decided_stands_when_she_registers_anew(
    registry: Running, people: People, http: httpx.Client, who: str
) -> None:
    """Unless she refuses something else now; and it decides nothing about anybody else in the file."""
    asset = signed(http, HER, MADE)
    with people.registered(account=f"acc_{who}") as registration:
        finish(registry, registration)
        (line,) = (
            one for one in registry.operator.matches(registration)["matches"] if one["held"] and mine(one, asset)
        )
        if who == "she":
            registry.operator.respond(registration, line["id"], "confirmed")
        else:
            registry.operator.release_asset(asset["id"], "she agreed")
        assert http.get(asset["links"]["self"]).json()["state"] == "signed"
        kept = "SELECT registration_id, line_id FROM likeness_hold WHERE asset_id = ?"
        assert rows(registry, kept, asset["id"]) == [(None, None)], "whose it was is not kept"
        gone(registry, people, registration)

    def state() -> Any:
        return http.get(asset["links"]["self"]).json()["state"]

    with people.registered(account=f"acc_{who}") as again:
        finish(registry, again)
        assert state() == "signed"
        (line,) = (one for one in registry.operator.matches(again)["matches"] if mine(one, asset))
        assert (line["outcome"], line["held"]) == ("noted", False)
        gone(registry, people, again)
    for account, purposes in ((f"acc_{who}", [Purpose.POLITICAL]), (f"acc_not_{who}", [])):
        with people.registered(None, *purposes, account=account) as other:
            finish(registry, other)
            assert state() == "held"
            gone(registry, people, other)
        assert state() == "signed"


def mine(line: dict[str, Any], asset: dict[str, Any]) -> bool:
    return bool(line["entry"] == asset["ledger"]["entry"])


def test_a_released_crowd_is_not_held_again(
    registry: Running, people: People, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more faces than are looked at, nobody knows whose they are; a person looked."""
    look = Matching.look
    monkeypatch.setattr(Matching, "look", lambda *args, **kwargs: replace(look(*args, **kwargs), unseen=1))
    asset = signed(http, picture(), MADE)
    with people.registered(people.stranger(7)) as first:
        finish(registry, first)
        assert http.get(asset["links"]["self"]).json()["hold"]["reason"] == "likeness-unchecked"
    with people.registered(people.stranger(8)) as second:
        finish(registry, second)
        held = rows(registry, "SELECT 1 FROM likeness_hold WHERE asset_id = ?", asset["id"])
        assert len(held) == 1, "held is held"
    registry.operator.release_asset(asset["id"], "a stadium")
    with people.registered(people.stranger(9)) as third:
        finish(registry, third)
        assert http.get(asset["links"]["self"]).json()["state"] == "signed"


@pytest.mark.skipif(KIND != SQLITE, reason="how PostgreSQL would go about it depends on what it has counted")
def test_what_is_finished_is_not_read_again(registry: Running, people: People) -> None:
    """Housekeeping asks for what is due by an index, every five seconds: not for everybody who is registered."""
    with people.registered() as registration:
        finish(registry, registration)
        finish(registry, registration, Round.LATE)
        (plan,) = (
            " ".join(row[-1] for row in rows(registry, f"EXPLAIN QUERY PLAN {said}"))
            for said in [str(retroactive._unfinished(Round.ALL, 0).compile(compile_kwargs={"literal_binds": True}))]
        )
        assert "ix_likeness_retroactive_ended_at_since (ended_at=? AND since<?)" in plan
        assert "SCAN" not in plan


def test_what_a_person_has_to_look_at_first_waits(registry: Running, people: People) -> None:
    with people.registered(state=State.HELD) as registration:
        assert words(registry, registration) not in registry.service.registry.likeness.retroactive.due()
        assert registry.operator.retroactive(registration)["stage"] == "waiting"


def test_what_came_while_a_person_looked_at_a_registration_is_looked_at(
    registry: Running, people: People, http: httpx.Client
) -> None:
    """Until it was released no upload was compared with it."""
    with people.registered(state=State.HELD) as registration:
        asset = signed(http, HER, MADE)
        people.release(registration)
        finish(registry, registration)
        assert http.get(asset["links"]["self"]).json()["hold"]["reason"] == "likeness-review"
        finish(registry, registration, Round.LATE)
        assert "held" in outcomes(registry, registration)


def test_nobody_sees_how_far_anothers_is(registry: Running, people: People, http: httpx.Client) -> None:
    with people.registered() as registration:
        problem(http.get(f"/v1/registrations/{registration}/retroactive"), 403, "scope-missing")
    tenant = registry.service.deployment.operator().tenant
    with pytest.raises(RegistrationNotFoundError):
        registry.service.registry.likeness.retroactive.progress(tenant, SubjectId("reg_nobody"))
