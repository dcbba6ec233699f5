"""Batches: what is sent under one name is counted once, and what was refused is said until it is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from api.running.housekeeping import FORGOTTEN
from cases import batches
from cases.batch import KEPT
from cases.batches import forget_batches
from cases.errors import BatchNotFoundError
from tests.api.wire import count, problem, rows
from tests.deployment import Running, picture


def begun(http: httpx.Client, expected: int = 3, name: str = "archive 1998") -> str:
    answer = http.post("/v1/batches", json={"expected": expected, "name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sent(http: httpx.Client, batch: str, key: str, file: bytes | None = None, name: str = "") -> httpx.Response:
    content = picture(seed=sum(key.encode())) if file is None else file
    parts: dict[str, Any] = {"file": ("photo.jpg", content, "image/jpeg"), "batch": (None, batch), "name": (None, name)}
    return http.post("/v1/assets", files=parts, headers={"Idempotency-Key": key} if key else {})


def how_far(http: httpx.Client, batch: str, cursor: str = "") -> dict[str, Any]:
    answer = http.get(f"/v1/batches/{batch}", params={"cursor": cursor})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_file_counts_once_however_often_it_is_sent(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        before = how_far(http, batch)
        assert (before["done"], before["left"], before["per_second"], before["seconds_left"]) == (0, 3, 0, None)
        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(lambda _: sent(http, batch, "one"), range(3)))
        assert len({answer.json()["id"] for answer in answers}) == 1
        other = sent(http, begun(http), "one")
        assert other.json()["id"] != answers[0].json()["id"], "a key is of its batch alone"
        sent(http, batch, "two")
        found = how_far(http, batch)
        assert (found["done"], found["refused"], found["held"], found["left"]) == (2, 0, 0, 1)
        assert found["per_second"] > 0
        assert found["seconds_left"] == pytest.approx(1 / found["per_second"], rel=0.5)
        assert found["name"] == "archive 1998"
        sent(http, batch, "three")
        assert how_far(http, batch)["seconds_left"] == 0


def test_a_refusal_says_which_file_and_why_until_it_is_done(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        refused = problem(sent(http, batch, "one", b"no picture", "1998/harbour.jpg"), 415, "media-unrecognised")
        sent(http, batch, "one", b"no picture", "1998/harbour.jpg")
        assert sent(http, batch, "two", picture()[:500], "1998/pier.jpg").status_code == 422
        found = how_far(http, batch)
        assert (found["done"], found["refused"], found["left"], found["next"]) == (0, 2, 1, None)
        said = {one["name"]: (one["type"], one["detail"]) for one in found["refusals"]}
        assert said.keys() == {"1998/harbour.jpg", "1998/pier.jpg"}
        assert said["1998/harbour.jpg"] == (refused["type"], refused["detail"])
        assert sent(http, batch, "one").status_code == 201
        after = how_far(http, batch)
        assert (after["done"], after["refused"], [one["name"] for one in after["refusals"]]) == (
            1,
            1,
            ["1998/pier.jpg"],
        )


def test_what_may_pass_by_itself_is_no_refusal(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from detection.errors import SandboxBusyError

    def busy(*_: object, **__: object) -> None:
        raise SandboxBusyError("try again")

    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        monkeypatch.setattr("cases.intake.examine", busy)
        assert sent(http, batch, "one").status_code == 503
        assert how_far(http, batch)["refused"] == 0


def test_somebody_elses_batch_does_not_exist(deployment: Running) -> None:
    away = str(deployment.operator.issue_key({"tool": "Away", "new_tenant": True})["token"])
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        for token in (deployment.key(), away):
            with deployment.http(token) as other:
                assets = count(deployment, "asset")
                problem(other.get(f"/v1/batches/{batch}"), 404, "batch-not-found")
                problem(sent(other, batch, "one"), 404, "batch-not-found")
                assert count(deployment, "asset") == assets
        assert how_far(http, batch)["left"] == 3


def test_a_file_of_a_batch_has_a_key(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        assert "Idempotency-Key" in sent(http, batch, "").json()["detail"]
        assert sent(http, batch, "one", name="x" * 301).status_code == 400
        problem(http.get("/v1/batches/bat_no"), 422, "request-invalid")


def test_refusals_come_in_pages_and_are_no_more_than_was_expected(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PAGE", 2)
    with deployment.http(deployment.key()) as http:
        batch = begun(http, expected=3)
        for key in "abcd":
            sent(http, batch, key, b"no picture", key)
        first = how_far(http, batch)
        second = how_far(http, batch, first["next"])
        names = [one["name"] for one in (*first["refusals"], *second["refusals"])]
        assert (len(names), len(set(names)), first["refused"], second["next"]) == (3, 3, 3, None)


def test_nobody_begins_batches_without_end(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_BATCHES", 1)
    with deployment.http(deployment.key()) as http:
        begun(http)
        problem(http.post("/v1/batches", json={"expected": 1}), 409, "batch-limit")


def test_nobody_sends_into_a_batch_that_is_over(deployment: Running) -> None:
    """Housekeeping has not dropped it yet, and a key that was spent in it would be spent again."""
    token = deployment.key()
    with deployment.http(token) as http:
        batch = begun(http)
    now, caller = deployment.service.batches.clock(), deployment.service.access.authenticate(token)
    at_its_end = replace(deployment.service.batches, clock=lambda: now + KEPT - timedelta(minutes=1))
    assert at_its_end.join(caller, batch, "").batch == batch
    later = replace(deployment.service.batches, clock=lambda: now + KEPT)
    for ask in (partial(later.join, name=""), later.find):
        with pytest.raises(BatchNotFoundError):
            ask(caller, batch)


def test_names_are_sealed_and_all_of_it_is_forgotten_together(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http, name="Ottilie's wedding")
        sent(http, batch, "ottilie-1", b"no picture", "ottilie.jpg")
        asset = sent(http, batch, "ottilie-2").json()["id"]
        kept = [rows(deployment, f"SELECT * FROM {table}") for table in ("batch", "batch_refusal", "idempotency")]
        assert "ottilie" not in repr(kept).lower()
        ((ends, key_ends),) = rows(
            deployment,
            "SELECT b.expires_at, i.expires_at FROM batch b JOIN idempotency i ON i.batch_id = b.id WHERE b.id = ?",
            batch,
        )
        assert ends == key_ends
        assert forget_batches in FORGOTTEN
        for forget in FORGOTTEN:
            deployment.service.library.database.write(partial(forget, now=ends))
        problem(http.get(f"/v1/batches/{batch}"), 404, "batch-not-found")
        assert http.get(f"/v1/assets/{asset}").status_code == 200
        assert rows(deployment, "SELECT 1 FROM batch_refusal WHERE batch_id = ?", batch) == []
