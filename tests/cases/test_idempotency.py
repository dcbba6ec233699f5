from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest

import cases.intake
from detection.memfd import Memfd
from tests.api.wire import blobs, count, counts, problem, rows, signed, upload
from tests.deployment import Running, picture
from tests.ledger.world import HeldClock

ROUNDS = 25


def once(http: httpx.Client, key: str, content: bytes | None = None, claim: object = None) -> httpx.Response:
    return upload(http, content, claim, headers={"Idempotency-Key": key})


def grown(up: Running, before: dict[str, int]) -> dict[str, int]:
    now = counts(up)
    return {
        name: now[name] - before[name] for name in ("asset", "blob", "files", "entry", "subject_key", "idempotency")
    }


ONE = {"asset": 1, "blob": 1, "files": 1, "entry": 1, "subject_key": 1, "idempotency": 1}


def test_same_request_in_sequence_makes_one_asset(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        first, second = (once(http, "again", claim={"title": "A"}) for _ in range(2))
        assert first.status_code == second.status_code == 201
        assert first.json()["id"] == second.json()["id"]
        assert first.headers["location"] == second.headers["location"]
        assert grown(deployment, before) == ONE


def test_a_file_is_digested_here_where_its_key_was_spent_alone(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that examines it has done so, and the entry says what it found."""
    digested, digest = list[Memfd](), cases.intake._sha256

    def digesting(content: Memfd) -> str:
        digested.append(content)
        return digest(content)

    monkeypatch.setattr(cases.intake, "_sha256", digesting)
    with deployment.http(deployment.key()) as http:
        answers = [(once(http, "digested").status_code, len(digested)) for _ in range(2)]
        problem(once(http, "digested", picture(seed=1)), 422, "idempotency-conflict")
    assert answers == [(201, 0), (201, 1)]


@pytest.mark.parametrize(
    ("content", "claim"),
    [(picture(seed=1), None), (None, {"title": "Other"}), (None, {"visibility": "public"}),
     (None, {"actions": [{"name": "c2pa.cropped"}]})],
)  # fmt: skip
def test_another_request_under_the_same_key_is_refused(deployment: Running, content: bytes | None, claim: Any) -> None:
    with deployment.http(deployment.key()) as http:
        once(http, "taken")
        before = counts(deployment)
        problem(once(http, "taken", content, claim), 422, "idempotency-conflict")
        assert counts(deployment) == before


def test_same_request_at_once_makes_one_asset(deployment: Running) -> None:
    """Many rounds of two threads that start together: one asset, one entry, and the loser's blob is gone."""
    strays = unreferenced(deployment)  # of tests before this one, which kill and refuse what they like
    with deployment.http(deployment.key()) as http:
        for number in range(ROUNDS):
            before, answers = counts(deployment), list[httpx.Response]()
            barrier = threading.Barrier(2)

            def send(key: str = f"round {number}") -> None:
                barrier.wait()  # noqa: B023 -- joined before the next round
                answers.append(once(http, key))  # noqa: B023 -- as above

            threads = [threading.Thread(target=send) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [answer.status_code for answer in answers] == [201, 201]
            assert len({answer.json()["id"] for answer in answers}) == 1
            assert grown(deployment, before) == ONE
    assert unreferenced(deployment) == strays


def unreferenced(up: Running) -> set[str]:
    """Files of media that no row knows; a row without its file fails."""
    known = {blob for (blob,) in rows(up, "SELECT id FROM blob")}
    assert known <= blobs(up)
    return blobs(up) - known


def test_different_requests_at_once_under_one_key_make_one_asset(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        for number in range(5):
            before, answers = counts(deployment), list[int]()
            barrier = threading.Barrier(2)

            def send(seed: int, key: str = f"rivals {number}") -> None:
                barrier.wait()  # noqa: B023 -- joined before the next round
                answers.append(once(http, key, picture(seed=seed)).status_code)  # noqa: B023 -- as above

            threads = [threading.Thread(target=send, args=(seed,)) for seed in (1, 2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answers) == [201, 422]
            assert grown(deployment, before) == ONE


def test_keys_of_other_principals_and_tenants_are_independent(deployment: Running) -> None:
    away = str(deployment.operator.issue_key({"tool": "Test Camera", "new_tenant": True})["token"])
    ids = set()
    for token in (deployment.key(), deployment.key(), away):
        with deployment.http(token) as http:
            ids.add(once(http, "shared").json()["id"])
    assert len(ids) == 3


def test_both_keys_of_one_principal_share_it(deployment: Running) -> None:
    first = deployment.operator.issue_key({"tool": "Test Camera"})
    second = deployment.operator.issue_key({"tool": "Test Camera", "principal": first["principal"]})
    ids = set()
    for token in (first["token"], second["token"]):
        with deployment.http(token) as http:
            ids.add(once(http, "mine").json()["id"])
    assert len(ids) == 1


def test_spent_key_is_free_again_after_a_day(own: Running, clock: HeldClock) -> None:
    with own.http(own.key()) as http:
        first = once(http, "daily").json()["id"]
        clock.move(timedelta(days=1) - timedelta(milliseconds=1))
        assert once(http, "daily").json()["id"] == first
        clock.move(timedelta(milliseconds=1))
        second = once(http, "daily").json()["id"]
        assert second != first
        assert count(own, "idempotency") == 1
        assert once(http, "daily").json()["id"] == second


def test_replay_after_erasure_gives_the_tombstone_not_a_new_asset(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset = once(http, "erased").json()
        http.delete(asset["links"]["self"])
        again = once(http, "erased").json()
        assert (again["id"], again["state"]) == (asset["id"], "erased")


def test_refused_upload_spends_nothing(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(once(http, "retry", b"not a picture"), 415, "media-unrecognised")
        assert once(http, "retry").status_code == 201


def test_without_a_key_every_upload_is_its_own(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        assert signed(http)[0]["id"] != signed(http)[0]["id"]
