from __future__ import annotations

import errno
import os
import signal
import threading
from datetime import timedelta
from typing import Any

import pytest

import ledger.storage.blobs
from detection.process import WorkerProcess
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, KeyStoreSealedError
from keys.local import LocalSigner
from keys.signer import Purpose
from ledger.errors import DatabaseUnavailableError, EpochClosedError, LogBusyError
from ledger.forgetting.subjects import Subjects
from ledger.log import Ledger
from tests.api.wire import blobs, count, counts, problem, rows, signed, upload
from tests.deployment import Running, picture


def payload(up: Running, token: str, asset: dict[str, Any]) -> Any:
    """What the entry's commitment binds."""
    caller = up.service.access.authenticate(token)
    return up.service.ledger.payloads.open(caller.tenant, asset["ledger"]["entry"])


def test_entry_binds_what_was_decided(deployment: Running) -> None:
    token = deployment.key()
    with deployment.http(token) as http:
        asset, _ = signed(http, claim={"title": "Secret words", "author": {"name": "A", "statement": "B words"}})
    opened = payload(deployment, token, asset)
    said = repr(opened)
    for stated in (asset["id"], asset["sha256"], asset["manifest"], asset["signed_with"], "parent.none", "Test Camera"):
        assert stated in said
    assert "Secret words" not in said
    assert "B words" not in said
    assert opened.subject == asset["id"]


FAULTS = {
    "key-store-sealed": KeyStoreSealedError("sealed"),
    "key-store-down": KeyStoreDownError("down"),
    "key-store-forbidden": KeyStoreForbiddenError("forbidden"),
}


@pytest.mark.parametrize("slug", FAULTS)
@pytest.mark.parametrize("call", ["signer", "open_epoch", "sign"])
def test_key_store_in_trouble_writes_nothing_and_recovers(
    own: Running, clock: Any, monkeypatch: pytest.MonkeyPatch, slug: str, call: str
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise FAULTS[slug]

    with own.http(own.key()) as http:
        own.service.housekeeping.round()  # a first one records the claim key, whenever it comes
        before = counts(own)
        signer = type(own.service.keys.signer(Purpose.CLAIM))
        with monkeypatch.context() as patched:
            patched.setattr(signer if call == "sign" else type(own.service.keys), call, refuses)
            if call == "open_epoch":
                clock.move(timedelta(hours=2))  # what was in memory is forgotten
            answer = upload(http, headers={"Idempotency-Key": "k"})
            problem(answer, 503, slug)
            assert answer.headers["retry-after"]
            assert counts(own) == before
        assert upload(http, headers={"Idempotency-Key": "k"}).status_code == 201


def test_epoch_that_ends_under_an_upload_is_met_by_wrapping_again(
    own: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = own.key()
    tenant = own.service.access.authenticate(token).tenant
    create = Subjects.create

    def overtaken(self: Subjects, *args: Any) -> Any:
        subject = create(self, *args)
        own.service.ledger.epochs.advance(tenant)
        return subject

    with own.http(token) as http:
        with monkeypatch.context() as patched:
            patched.setattr(Subjects, "create", overtaken)
            asset, file = signed(http)
        epochs = rows(own, "SELECT epoch FROM subject_key WHERE id = ?", asset["id"])
        assert epochs == rows(own, "SELECT number FROM epoch WHERE tenant_id = ? AND state = 'open'", tenant)
        assert http.get(asset["links"]["content"]).content == file
    assert own.service.ledger.verify().sound


def test_epochs_that_never_hold_still_leave_nothing(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise EpochClosedError("ended")

    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(Subjects, "insert", closed)
            assert upload(http).status_code >= 500
        assert counts(deployment) == before
        assert upload(http).status_code == 201


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_full_or_broken_media_folder(deployment: Running, monkeypatch: pytest.MonkeyPatch, trouble: int) -> None:
    def fails(*_: object) -> None:
        raise OSError(trouble, os.strerror(trouble))

    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(ledger.storage.blobs, "_sync_folder", fails)
            problem(upload(http), 503, "storage-unavailable")
        assert {**counts(deployment), "files": 0} == {**before, "files": 0}
        assert upload(http).status_code == 201


def test_media_folder_that_is_gone(own: Running) -> None:
    with own.http(own.key()) as http:
        own.service.housekeeping.round()  # a first one records the claim key, whenever it comes
        before = count(own, "entry")
        aside = own.home.blobs.rename(own.home.folder / "aside")
        said = problem(upload(http), 503, "storage-unavailable")
        assert count(own, "entry") == before
        assert said["title"]
        aside.rename(own.home.blobs)
        assert upload(http).status_code == 201
        assert len(blobs(own)) == 1


@pytest.mark.parametrize(
    ("error", "slug"),
    [(LogBusyError("busy"), "ledger-busy"), (DatabaseUnavailableError("the disk is full"), "database-unavailable")],
)
def test_commit_that_fails_leaves_no_blob(
    deployment: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, slug: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", fails)
            problem(upload(http), 503, slug)
        assert counts(deployment) == before
        assert upload(http).status_code == 201


def test_commit_whose_answer_was_lost_keeps_its_blob(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    sequencer = deployment.service.ledger._sequencer
    submit = sequencer.submit

    def lost(*args: Any) -> None:
        submit(*args)
        raise DatabaseUnavailableError("the answer was lost")

    with deployment.http(deployment.key()) as http:
        with monkeypatch.context() as patched:
            patched.setattr(sequencer, "submit", lost)
            problem(upload(http, headers={"Idempotency-Key": "lost"}), 503, "database-unavailable")
        again = upload(http, headers={"Idempotency-Key": "lost"}).json()
        assert http.get(again["links"]["content"]).status_code == 200


@pytest.mark.parametrize(("how", "slug"), [(signal.SIGSEGV, "media-crash"), (signal.SIGKILL, "media-memory")])
def test_worker_that_dies_is_one_requests_error(
    deployment: Running, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, slug: str
) -> None:
    """A kill that nobody here sent is the kernel's, for want of memory."""
    perform = WorkerProcess.perform

    def killed(self: WorkerProcess, *args: Any) -> Any:
        self._process.send_signal(how)
        return perform(self, *args)

    with deployment.http(deployment.key()) as http:
        before = counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(WorkerProcess, "perform", killed)
            problem(upload(http), 422, slug)
        assert counts(deployment) == before
        assert upload(http).status_code == 201


def test_hijacked_worker_cannot_choose_what_is_signed(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim key signs claims and nothing else, whatever a worker asks."""
    asked: list[bytes] = []
    sign = LocalSigner.sign

    def watched(self: LocalSigner, message: bytes) -> bytes:
        asked.append(message)
        return sign(self, message)

    monkeypatch.setattr(LocalSigner, "sign", watched)
    with deployment.http(deployment.key()) as http:
        assert upload(http).status_code == 201
    assert any(b"Signature1" in message for message in asked), "a COSE signature structure"


def test_many_uploads_at_once_are_all_whole(deployment: Running) -> None:
    answers: list[tuple[dict[str, Any], bytes]] = []
    before = counts(deployment)
    with deployment.http(deployment.key()) as http:

        def send(seed: int) -> None:
            answers.append(signed(http, picture(seed=seed)))

        threads = [threading.Thread(target=send, args=(seed,)) for seed in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({asset["id"] for asset, _ in answers}) == 12
    assert counts(deployment)["asset"] - before["asset"] == 12
    assert deployment.service.ledger.verify().sound
