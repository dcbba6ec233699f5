from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cases.errors import AssetGoneError
from ledger.errors import BlobStoreUnavailableError, DatabaseUnavailableError
from ledger.forgetting.subjects import Subjects
from ledger.log import Ledger
from ledger.storage.blobs import BlobStore
from tests.api.wire import blobs, change, count, counts, problem, rows, signed, upload
from tests.deployment import Running, picture, running
from tests.ledger.world import HeldClock

CHANGED = {"actions": [{"name": "c2pa.cropped"}]}


def test_two_erasures_at_once_are_one_decision(deployment: Running) -> None:
    token = deployment.key()
    with deployment.http(token) as http:
        for _ in range(5):
            asset, _ = signed(http)
            before, answers = count(deployment, "entry"), list[int]()
            barrier = threading.Barrier(2)

            def erase(path: str = asset["links"]["self"]) -> None:
                barrier.wait()  # noqa: B023 -- joined before the next round
                answers.append(http.delete(path).status_code)  # noqa: B023 -- as above

            threads = [threading.Thread(target=erase) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answers) == [200, 410]
            assert count(deployment, "entry") == before + 1


def test_retention_ends_to_the_second_however_late_the_sweep(own: Running, clock: HeldClock) -> None:
    own.service.housekeeping.close()
    with own.http(own.key()) as http:
        asset, _ = signed(http)
        clock.move(timedelta(days=7) - timedelta(seconds=1))
        assert http.get(asset["links"]["content"]).status_code == 200
        clock.move(timedelta(seconds=1))
        answers = (
            http.get(asset["links"]["content"]),
            upload(http, claim=CHANGED, path=f"{asset['links']['self']}/transformations"),
        )
        assert [problem(answer, 410, "asset-gone")["reason"] for answer in answers] == ["expired", "expired"]
    assert len(blobs(own)) == 1


def test_asset_erased_while_the_sweep_looks_at_it_is_left_alone(
    own: Running, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = own.key()
    caller = own.service.access.authenticate(token)
    with own.http(token) as http:
        asset, _ = signed(http)
    own.service.housekeeping.close()  # this sweep is the test's own
    library, opened = own.service.library, Subjects.open

    def overtaken(self: Subjects, *args: Any) -> Any:
        subject = opened(self, *args)
        monkeypatch.setattr(Subjects, "open", opened)
        library.erase(caller, asset["id"])
        return subject

    clock.move(timedelta(days=8))
    monkeypatch.setattr(Subjects, "open", overtaken)
    assert library.end_retention() == 1
    assert rows(own, "SELECT state FROM asset") == [("erased",)]
    assert library.end_retention() == 0
    assert rows(own, "SELECT count(*) FROM payload WHERE kind = 'asset.expired'") == [(0,)]
    assert own.service.ledger.verify().sound


def test_an_ending_that_is_not_committed_touches_no_file(
    own: Running, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DatabaseUnavailableError("the disk is full")

    own.service.housekeeping.close()  # this sweep is the test's own
    with own.http(own.key()) as http:
        asset, _ = signed(http)
        before = counts(own)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", full)
            problem(http.delete(asset["links"]["self"]), 503, "database-unavailable")
            clock.move(timedelta(days=8))
            with pytest.raises(DatabaseUnavailableError):
                own.service.library.end_retention()
        assert counts(own) == before
        assert own.service.library.end_retention() == 1
        assert blobs(own) == set()


@pytest.mark.sqlite("where other processes may write, a stray waits for an hour")
def test_crash_between_commit_and_unlink_is_swept_at_the_next_start(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise BlobStoreUnavailableError("pulled the plug")

    with running(tmp_path, clock) as up, up.http(up.key()) as http:
        kept, file = signed(http)
        asset, _ = signed(http)
        with monkeypatch.context() as patched:
            patched.setattr(BlobStore, "delete", fails)
            assert http.delete(asset["links"]["self"]).status_code == 200
        assert len(blobs(up)) == 2
        assert problem(http.get(asset["links"]["content"]), 410, "asset-gone")
        (up.home.blobs / "blb_half.part").write_bytes(b"half an upload")
        token = http.headers["authorization"].removeprefix("Bearer ")
    with running(tmp_path, clock) as up, up.http(token) as http:
        assert blobs(up) == {blob for (blob,) in rows(up, "SELECT id FROM blob")}
        assert http.get(kept["links"]["content"]).content == file


def test_damaged_media_are_told_so_and_never_given_out_as_whole(deployment: Running) -> None:
    """Where the damage is in the first mebibyte; an answer that is under way can only be cut."""
    big = picture("TIFF", (800, 600))
    with deployment.http(deployment.key()) as http:
        for content, mime, at in ((None, "image/jpeg", -1), (big, "image/tiff", 100), (big, "image/tiff", -1)):
            before = blobs(deployment)
            asset, file = signed(http, content, mime=mime)
            (name,) = blobs(deployment) - before
            sealed = deployment.home.blobs / name
            whole = sealed.read_bytes()
            damaged = bytearray(whole)
            damaged[at] ^= 1
            sealed.write_bytes(damaged)
            if at == -1 and content:
                with pytest.raises(httpx.RemoteProtocolError):
                    http.get(asset["links"]["content"])
            else:
                problem(http.get(asset["links"]["content"]), 500, "damaged")
            assert http.get(asset["links"]["self"]).status_code == 200
            sealed.write_bytes(whole)
            assert http.get(asset["links"]["content"]).content == file


def test_retention_is_the_settings(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock, retention=timedelta(minutes=5)) as up, up.http(up.key()) as http:
        asset = upload(http).json()
        clock.move(timedelta(minutes=5))
        assert up.service.library.end_retention() == 1
        assert up.service.library.end_retention() == 0
        problem(http.get(asset["links"]["content"]), 410, "asset-gone")


def test_erasing_an_expired_asset(own: Running, clock: HeldClock) -> None:
    token = own.key()
    caller = own.service.access.authenticate(token)
    with own.http(token) as http:
        asset, _ = signed(http)
    clock.move(timedelta(days=8))
    own.service.library.end_retention()
    own.service.library.erase(caller, asset["id"])
    with pytest.raises(AssetGoneError):
        own.service.library.erase(caller, asset["id"])
    assert rows(own, "SELECT count(*) FROM subject_key WHERE id = ?", asset["id"]) == [(0,)]


@pytest.mark.parametrize(
    "damage",
    ["UPDATE asset SET details = ? WHERE id = ?", "UPDATE subject_key SET wrapped = ? WHERE id = ?"],
    ids=["row", "key"],
)
def test_what_does_not_open_is_told_so_and_can_be_erased(deployment: Running, damage: str) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        change(deployment, damage, b"damaged" * 20, asset["id"])
        for link in ("self", "content", "custody"):
            said = problem(http.get(asset["links"][link]), 500, "damaged")
            assert "an operator must look" in said["detail"]
        erased = http.delete(asset["links"]["self"])
        assert erased.status_code == 200, erased.text
        assert problem(http.get(asset["links"]["content"]), 410, "asset-gone")["reason"] == "erased"
    assert rows(deployment, "SELECT count(*) FROM subject_key WHERE id = ?", asset["id"]) == [(0,)]


def test_one_asset_without_its_key_does_not_stop_everyones_retention(tmp_path: Path, clock: HeldClock) -> None:
    """A restored backup can hold such a row; everyone else's media must still end when promised."""
    with running(tmp_path, clock, retention=timedelta(hours=1)) as up, up.http(up.key()) as http:
        lost, _ = signed(http)
        other, _ = signed(http)
        up.service.housekeeping.close()
        change(up, "DELETE FROM subject_key WHERE id = ?", lost["id"])
        clock.move(timedelta(hours=2))
        up.service.housekeeping.round()
        assert blobs(up) == set()
        assert dict(rows(up, "SELECT id, state FROM asset")) == {lost["id"]: "expired", other["id"]: "expired"}
        assert up.service.ledger.verify().sound
