from __future__ import annotations

import os
import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import api.running.housekeeping
from api.running.log import NAME, configure
from identity.registration.notices import Notices
from keys.errors import KeyStoreSealedError
from ledger.log import LogStatus
from tests.api.fixtures import logging_put_back
from tests.api.wire import PATIENCE, blobs, count, counts, rows, signed, upload
from tests.deployment import Running, running
from tests.detection.generations.index_world import IndexWorld
from tests.ledger.world import HeldClock
from tests.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.running.housekeeping, "INTERVAL_SECONDS", 0.02)


def says(log: Path, what: str) -> bool:
    return log.exists() and what in log.read_text()


def test_retention_ends_by_itself(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock, retention=timedelta(hours=1)) as up, up.http(up.key()) as http:
        for _ in range(3):
            signed(http)
        clock.move(timedelta(hours=2))
        until(lambda: blobs(up) == set())
        assert rows(up, "SELECT DISTINCT state FROM asset") == [("expired",)]


def test_spent_idempotency_keys_go_after_a_day(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock) as up, up.http(up.key()) as http:
        upload(http, headers={"Idempotency-Key": "once"})
        assert count(up, "idempotency") == 1
        clock.move(timedelta(days=1, seconds=1))
        until(lambda: count(up, "idempotency") == 0)


def test_keys_and_logs_that_nobody_asks_for_go_in_time(tmp_path: Path, clock: HeldClock) -> None:
    with logging_put_back(), running(tmp_path, clock) as up:
        configure(up.home.logs)
        old = up.home.logs / f"{NAME}.2026-01-01"
        old.touch()
        os.utime(old, (0, 0))
        begun, day = clock(), up.service.throttle._day
        clock.move(timedelta(hours=1))
        until(lambda: not old.exists())
        until(
            lambda: all(held.until > begun + timedelta(hours=1) for held in [*up.service.ledger.epochs._held.values()])
        )
        clock.move(timedelta(days=1))
        until(lambda: up.service.throttle._day is not day)


def test_a_certificate_that_ends_soon_is_seen_wherever_people_look(tmp_path: Path, clock: HeldClock) -> None:
    with logging_put_back(), running(tmp_path, clock) as up, up.http() as http:
        configure(up.home.logs)
        log = up.home.logs / NAME
        ends = datetime.fromisoformat(up.service.keys.status().certificate_expires)
        for left, begins in ((timedelta(days=20), "the claim"), (timedelta(days=5), "ALARM: the claim")):
            clock.now = ends - left
            up.service.readiness._said = None  # what it said before the clock moved
            said = f"{begins} certificate ends in {left.days} days"
            assert http.get("/readyz").json()["parts"]["keys"]["warning"].startswith(said)
            # Written by whoever looked first, perhaps the housekeeping thread, and the file begins with its first line.
            until(partial(says, log, said))
            (gauge,) = re.findall(r"^sigillo_certificate_seconds (\S+)$", http.get("/metrics").text, re.MULTILINE)
            assert float(gauge) == left.total_seconds()


def test_the_log_says_once_that_nothing_is_proven(
    own: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = replace(own.service.ledger.status(), reason="another tree is signed")
    asked: list[LogStatus] = []

    def said() -> LogStatus:
        asked.append(status)
        return status

    with logging_put_back(), monkeypatch.context() as patched:
        configure(own.home.logs)
        patched.setattr(own.service.ledger, "status", said)
        until(lambda: len(asked) > 3)
        patched.setattr(own.service.ledger, "status", lambda: replace(status, reason=""))
        until(lambda: says(own.home.logs / NAME, "checkpoints are signed again"))
    assert capsys.readouterr().err.count("another tree is signed") == 1


def test_who_left_is_proved_absent_however_long_a_round_takes(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that does not answer, in this one; keys to re-wrap, in another."""
    begun, answered = threading.Event(), threading.Event()

    def slow(_notices: Notices) -> int:
        begun.set()
        assert answered.wait(PATIENCE)
        return 0

    world = IndexWorld(own.service.housekeeping.database, own.service.ledger, HeldClock())
    tenant = world.index()
    _, gone = world.join(tenant, 2)
    monkeypatch.setattr(Notices, "round", slow)
    try:
        assert begun.wait(PATIENCE)
        world.leave(tenant, gone)
        until(lambda: rows(own, "SELECT 1 FROM index_absence WHERE id = ? AND entry_id IS NOT NULL", gone))
    finally:
        answered.set()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError("not yours"), "not yours"),
        (RuntimeError("of a secret"), "the fault is ours, and the log has it: RuntimeError"),
    ],
)
def test_what_fails_a_round_is_said_and_ends_no_more(
    own: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def denied() -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(api.running.housekeeping, "forget_old", denied)
        own.service.housekeeping._next_forgetting = 0
        until(lambda: own.service.housekeeping.reason)
        assert own.service.housekeeping.reason == reason
    until(lambda: not own.service.housekeeping.reason)


def test_a_failed_round_is_said_and_the_next_one_tries_again(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, clock, retention=timedelta(hours=1)) as up, up.http(up.key()) as http:
        signed(http)

        def sealed(*_: object) -> None:
            raise KeyStoreSealedError("the store is sealed: unseal it")

        with monkeypatch.context() as patched:
            patched.setattr(type(up.service.keys), "open_epoch", sealed)
            clock.move(timedelta(hours=2))  # the epoch's key is forgotten by now
            until(lambda: up.service.housekeeping.reason)
            ready = http.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["parts"]["housekeeping"]["reason"] == "the store is sealed: unseal it"
            assert counts(up)["files"] == 1
        until(lambda: not up.service.housekeeping.reason)
        until(lambda: blobs(up) == set())
        assert http.get("/readyz").status_code == 200
