"""The promise of docs/privacy.md, held to a backup: with both key stores, over HTTP, under load."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import api.running.housekeeping
from cases.access import Caller
from cases.decisions import KINDS
from cases.library import Library
from keys.errors import KeyStoreDownError
from ledger.errors import SubjectErasedError
from ledger.forgetting.schedule import BACKUP_TIME, DANGER, EPOCH_LIFETIME, PROMISE
from ledger.log import Ledger
from ledger.receipt import verify_receipt
from ledger.storage.blobs import BlobStore
from ledger.storage.database import Database
from tests.api.wire import PATIENCE, proven, rows, signed, upload
from tests.deployment import Running, picture, running
from tests.ledger.world import HeldClock
from tests.waiting import until

HOUR = timedelta(hours=1)
KEPT = timedelta(days=300)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.running.housekeeping, "INTERVAL_SECONDS", 0.02)


@pytest.fixture(params=["embedded", pytest.param("vault", marks=pytest.mark.openbao)])
def kept_long(request: pytest.FixtureRequest, tmp_path: Path, clock: HeldClock) -> Iterator[Running]:
    chosen: dict[str, Any] = {"retention": KEPT}
    if request.param == "vault":
        server, token = request.getfixturevalue("openbao"), request.getfixturevalue("service_token")
        chosen |= {"keys": "vault", "vault_url": server.url, "vault_token": token}
        chosen["revocation_grace"] = KEPT  # this clock runs away from Vault's, and so from its revocation list
    with running(tmp_path / "home", clock, **chosen) as up:
        yield up


def states(up: Running) -> list[str]:
    return [state for (state,) in rows(up, "SELECT state FROM epoch ORDER BY tenant_id, number")]


@contextmanager
def backup_of(up: Running, folder: Path) -> Iterator[Callable[[], tuple[Database, BlobStore]]]:
    """A copy of database and media as an operator makes it; opened anew at each call, as a thief would."""
    folder.mkdir()
    with (
        closing(sqlite3.connect(up.home.folder / "sigillo.db")) as live,
        closing(sqlite3.connect(folder / "backup.db")) as copy,
    ):
        live.backup(copy)
    (folder / "blobs").mkdir()
    for blob in up.home.blobs.iterdir():
        (folder / "blobs" / blob.name).write_bytes(blob.read_bytes())
    opened: list[Database] = []

    def opening() -> tuple[Database, BlobStore]:
        opened.append(Database(f"sqlite:///{folder / 'backup.db'}"))
        return opened[-1], BlobStore(folder / "blobs", bytes)

    yield opening
    for database in opened:
        database.close()


def read_back(up: Running, caller: Caller, asset: dict[str, Any], parts: tuple[Database, BlobStore]) -> bytes:
    """Payload and media of an asset in a copy of the data, with the live key store."""
    database, blobs = parts
    ledger = Ledger(database, up.service.keys, KINDS)
    assert ledger.payloads.open(caller.tenant, asset["ledger"]["entry"]).subject == asset["id"]
    library = Library(ledger, database, blobs, up.service.library.clock)
    return b"".join(library.content(library.find(caller, asset["id"])))


@pytest.mark.sqlite("copies the file of a live database")
def test_a_backup_from_before_an_erasure_dies(kept_long: Running, clock: HeldClock, tmp_path: Path) -> None:
    up, token = kept_long, kept_long.key()
    caller = up.service.access.authenticate(token)
    with up.http(token) as http, backup_of_assets(http, up, tmp_path / "backup") as (assets, opening):
        gone, gone_file = assets.pop()
        receipts = [proven(up, asset["ledger"]["entry"]) for asset, _ in (*assets, (gone, b""))]
        assert http.delete(gone["links"]["self"]).status_code == 200
        assert read_back(up, caller, gone, opening()) == gone_file, "else this test would prove nothing"
        clock.move(EPOCH_LIFETIME)
        until(lambda: states(up) == ["closed", "open"])
        until(lambda: rows(up, "SELECT DISTINCT epoch FROM subject_key") == [(2,)])
        clock.move(BACKUP_TIME)
        until(lambda: states(up) == ["destroyed", "open"])
        assert EPOCH_LIFETIME + BACKUP_TIME < PROMISE
        database, blobs = opening()
        dead = Ledger(database, up.service.keys, KINDS)
        with pytest.raises(SubjectErasedError):
            dead.payloads.open(caller.tenant, gone["ledger"]["entry"])
        with pytest.raises(SubjectErasedError):
            Library(dead, database, blobs, clock).find(caller, gone["id"])
        assert len(assets) == 3
        for asset, file in assets:
            assert http.get(asset["links"]["content"]).content == file
            assert read_back(up, caller, asset, (up.service.library.database, up.service.library.blobs)) == file
        assert http.get("/readyz").json()["ready"]
        for receipt in receipts:
            verify_receipt(receipt, up.operator.log_key())
    assert up.service.ledger.verify().sound


@contextmanager
def backup_of_assets(
    http: Any, up: Running, folder: Path
) -> Iterator[tuple[list[tuple[dict[str, Any], bytes]], Callable[[], tuple[Database, BlobStore]]]]:
    assets = [signed(http, picture(seed=seed)) for seed in range(4)]
    with backup_of(up, folder) as opening:
        yield assets, opening


@pytest.mark.sqlite("copies the file of a live database")
def test_a_backup_made_after_an_epoch_ended_outlives_it(kept_long: Running, clock: HeldClock, tmp_path: Path) -> None:
    up, token = kept_long, kept_long.key()
    caller = up.service.access.authenticate(token)
    with up.http(token) as http:
        asset, file = signed(http)
        clock.move(EPOCH_LIFETIME)
        until(lambda: rows(up, "SELECT DISTINCT epoch FROM subject_key") == [(2,)])
        with backup_of(up, tmp_path / "backup") as opening:
            clock.move(BACKUP_TIME)
            until(lambda: states(up) == ["destroyed", "open"])
            assert read_back(up, caller, asset, opening()) == file


def test_no_upload_fails_while_epochs_end(tmp_path: Path, clock: HeldClock) -> None:
    stop = Event()
    with running(tmp_path, clock, retention=KEPT, epoch_lifetime=timedelta(days=1)) as up:
        token = up.key()

        def sign_on(seed: int) -> list[tuple[dict[str, Any], int]]:
            answers = []
            with up.http(token) as http:
                while not stop.is_set():
                    answer = upload(http, picture(seed=seed))
                    answers.append((answer.json(), answer.status_code))
            return answers

        with ThreadPoolExecutor(3) as pool:
            signing = [pool.submit(sign_on, seed) for seed in range(3)]
            try:
                for ended in range(1, 11):
                    clock.move(timedelta(days=1))
                    until(lambda ended=ended: len(states(up)) == ended + 1)  # type: ignore[misc]  # lambda default
                clock.move(HOUR)
                until(lambda: states(up).count("destroyed") == 3)
            finally:
                stop.set()
            answers = [each for one in signing for each in one.result(PATIENCE)]
        assert {status for _, status in answers} == {201}
        assert len(answers) > 10
        until(lambda: up.service.rewrapping.status.waiting == 0)
        with up.http(token) as http:
            for asset, _ in answers:
                assert http.get(asset["links"]["content"]).status_code == 200
        assert up.service.housekeeping.reason == ""
        assert up.service.ledger.verify().sound


def test_progress_shows(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, clock, retention=KEPT) as up, up.http(up.key()) as http:
        signed(http)

        def gauges() -> tuple[int, int]:
            found = {
                sample.name: sample
                for family in text_string_to_metric_families(http.get("/metrics").text)
                for sample in family.samples
            }
            named = [found["sigillo_subjects_to_rewrap"], found["sigillo_oldest_epoch_seconds"]]
            assert not any(sample.labels for sample in named)
            return round(named[0].value), round(named[1].value)

        until(lambda: up.service.rewrapping.status.oldest)
        assert gauges() == (0, 0)

        def down(*_: object) -> None:
            raise KeyStoreDownError("Vault does not answer")

        with monkeypatch.context() as patched:
            patched.setattr(type(up.service.keys), "destroy_epochs", down)
            patched.setattr(up.service.ledger.subjects, "rewrap_batch", down)
            clock.move(EPOCH_LIFETIME)
            until(lambda: gauges() == (2, EPOCH_LIFETIME.total_seconds()))
            assert http.get("/readyz").json()["parts"]["epochs"]["ready"]
            clock.move(DANGER - EPOCH_LIFETIME)
            parts = http.get("/readyz").json()["parts"]
            assert "28 days ago" in parts["epochs"]["reason"]
            assert parts["housekeeping"]["reason"] == "Vault does not answer"
        until(lambda: http.get("/readyz").status_code == 200)
        assert gauges()[0] == 0


def test_epochs_end_while_other_rounds_fail(own: Running, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise KeyStoreDownError("retention cannot end")

    until(lambda: states(own) == ["open"])
    own.service.housekeeping.close()  # this round is the test's own
    monkeypatch.setattr(own.service.deployment, "operator", down)
    clock.move(EPOCH_LIFETIME)
    with pytest.raises(KeyStoreDownError):
        own.service.housekeeping.round()
    assert states(own) == ["closed", "open"]


def test_the_log_says_when_re_wrapping_begins_and_ends(
    own: Running, clock: HeldClock, caplog: pytest.LogCaptureFixture
) -> None:
    until(lambda: states(own) == ["open"])
    with caplog.at_level(logging.INFO, "sigillo"):
        clock.move(EPOCH_LIFETIME)
        until(lambda: "'re-wrapping ends'" in caplog.text)
    assert caplog.text.index("'re-wrapping begins'") < caplog.text.index("'re-wrapping ends'")
    assert "'subjects': 1" in caplog.text
    assert "tnt_" not in caplog.text
