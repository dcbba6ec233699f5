"""Several files in one request: each is signed or refused as if it had come alone, and all are kept together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.edge.tray import FILE_BYTES, MAX_FILES
from api.edge.upload import MAX_PARTS, Budget
from cases.intake import Intake
from detection.errors import SandboxBusyError
from ledger.errors import DatabaseUnavailableError
from ledger.log import Ledger
from ledger.storage import blobs as blob_store
from tests.api.fixtures import settled
from tests.api.trays import begun, file, post, told
from tests.api.wire import blobs, counts, problem, rows, upload
from tests.deployment import Running, picture
from tests.detection.films import Film, write
from tests.waiting import until


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with settled(tmp_path_factory.mktemp("small"), upload_bytes=65536) as up:
        yield up


def how_far(http: httpx.Client, batch: str) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/v1/batches/{batch}").json()
    return found


def grown(up: Running, before: dict[str, int]) -> dict[str, int]:
    now = counts(up)
    return {name: now[name] - before[name] for name in before}


def test_files_come_back_signed_in_one_unit_of_work(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    units, synced, asked = list[object](), list[object](), list[object]()
    record, sync, standing = Ledger.record, blob_store._sync_folder, Intake._standing

    def syncing(folder: Path) -> None:
        synced.append(folder)
        sync(folder)

    def recording(self: Ledger, *given: Any) -> Any:
        units.append(given)
        return record(self, *given)

    def asking(self: Intake) -> Any:
        asked.append(self)
        return standing(self)

    with deployment.http(deployment.key()) as http:
        batch, before = begun(http), counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", recording)
            patched.setattr(blob_store, "_sync_folder", syncing)
            patched.setattr(Intake, "_standing", asking)
            answered = told(post(http, batch, [file(key) for key in "abc"], {"title": "Harbour"}))
        assert (len(units), len(synced), len(asked)) == (1, 1, 1)
        assert grown(deployment, before) == dict.fromkeys(before, 3)
        assert [one.kind for one in answered] == ["asset"] * 3
        for one in answered:
            assert one.content is not None
            assert hashlib.sha256(one.content).hexdigest() == one.said["sha256"]
            assert http.get(one.said["links"]["content"]).content == one.content
            alone = http.get(one.said["links"]["self"]).json()
            assert {**one.said, "ledger": alone["ledger"]} == alone
            assert one.said["title"] == "Harbour"
            assert upload(http, one.content, path="/v1/verifications").json()["verdict"] == "trusted"
        found = how_far(http, batch)
        assert (found["done"], found["refused"], found["left"]) == (3, 0, 0)
    assert deployment.service.ledger.verify().sound


def test_a_file_that_is_refused_keeps_none_of_the_others(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch, before = begun(http), counts(deployment)
        files = [file("a"), file("b", b"no picture", "1998/pier.jpg"), file("c")]
        first, refused, last = told(post(http, batch, files))
        assert (first.kind, refused.kind, last.kind) == ("asset", "problem", "asset")
        assert (refused.said["status"], refused.said["type"]) == (415, "urn:sigillo:problem:media-unrecognised")
        assert grown(deployment, before)["asset"] == 2
        found = how_far(http, batch)
        assert (found["done"], found["refused"], found["left"]) == (2, 1, 0)
        (kept,) = found["refusals"]
        assert (kept["name"], kept["detail"]) == ("1998/pier.jpg", refused.said["detail"])


def test_what_may_pass_by_itself_is_told_and_no_refusal(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise SandboxBusyError("try again")

    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        with monkeypatch.context() as patched:
            patched.setattr("cases.intake.examine", busy)
            (one,) = told(post(http, batch, [file("a")]))
        assert (one.kind, one.said["status"]) == ("problem", 503)
        assert how_far(http, batch)["refused"] == 0


def test_sent_again_they_are_the_same_assets(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        first = told(post(http, batch, [file("a"), file("b")]))
        before = counts(deployment)
        changed = file("b", picture(seed=1234))
        again, conflict, new = told(post(http, batch, [file("a"), changed, file("c")]))
        assert (again.said["id"], again.content) == (first[0].said["id"], first[0].content)
        assert conflict.said["type"] == "urn:sigillo:problem:idempotency-conflict"
        assert new.kind == "asset"
        assert grown(deployment, before) == dict.fromkeys(before, 1)
        alone = upload(http, picture(seed=ord("a")), headers={"Idempotency-Key": "a"})
        assert alone.json()["id"] != again.said["id"], "a key is of its batch alone"


def test_sent_at_once_they_are_the_same_assets(deployment: Running) -> None:
    """Whoever loses a race for one of the keys keeps the rest, and no file that is nobody's."""
    with deployment.http(deployment.key()) as http, ThreadPoolExecutor(2) as threads:
        for number in range(5):
            batch, before = begun(http), counts(deployment)
            keys = (f"{number} both", f"{number} one"), (f"{number} both", f"{number} other")
            answers = threads.map(lambda keys, batch=batch: told(post(http, batch, [*map(file, keys)])), keys)
            ones, others = ([one.said["id"] for one in answer] for answer in answers)
            assert ones[0] == others[0]
            assert len({*ones, *others}) == 3
            assert grown(deployment, before) == dict.fromkeys(before, 3)


def test_a_commit_that_fails_keeps_none_of_them(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise DatabaseUnavailableError("the disk is full")

    with deployment.http(deployment.key()) as http:
        batch, before = begun(http), counts(deployment)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", fails)
            problem(post(http, batch, [file("a"), file("b")]), 503, "database-unavailable")
        assert counts(deployment) == before
        assert how_far(http, batch)["refused"] == 0
        assert [one.kind for one in told(post(http, batch, [file("a"), file("b")]))] == ["asset", "asset"]


def test_what_cannot_carry_a_manifest_has_it_beside(deployment: Running) -> None:
    film = write(Film("webm", "libvpx", "libopus", pictures=3))
    with deployment.http(deployment.key()) as http:
        (one,) = told(post(http, begun(http), [file("a", film, "film.webm", "video/webm")]))
        assert one.content == film
        assert one.manifest is not None
        sent = {"file": ("film.webm", film, "video/webm"), "manifest": ("m", one.manifest, "application/c2pa")}
        assert http.post("/v1/verifications", files=sent).json()["verdict"] == "trusted"


def test_what_is_gone_is_told_without_its_content(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        erased, kept = told(post(http, batch, [file("a"), file("b")]))
        assert http.delete(erased.said["links"]["self"]).status_code == 200
        again = told(post(http, batch, [file("a"), file("b")]))
        assert [one.said["state"] for one in again] == ["erased", "signed"]
        assert [one.content for one in again] == [None, kept.content]


def test_one_waits_for_the_proof_of_all(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        told(post(http, batch, [file("b")]))
        answer = post(http, batch, [file("a"), file("b")], Prefer="wait=30")
        assert answer.headers["preference-applied"] == "wait=30"
        assert [one.said["ledger"]["state"] for one in told(answer)] == ["proven", "proven"]


BAD: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "no file": ([], "no part called `file`"),
    "no key": ([file("")], "needs a header Idempotency-Key"),
    "a long key": ([file("k" * 201)], "needs a header Idempotency-Key"),
    "one key twice": ([file("a"), file("a")], "give each file its own"),
    "a long name": ([file("a", name="x" * 301)], "a filename is longer"),
    "too many": ([file(str(number), b"x") for number in range(MAX_FILES + 1)], "more than"),
    "too much beside": ([file("a"), *((f"field-{n}", (None, "x")) for n in range(MAX_PARTS))], "beside the files"),
    "a manifest": ([file("a"), ("manifest", ("m", b"x", "application/c2pa"))], "verifications only"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_form_that_is_not_as_it_should_be_is_refused_whole(deployment: Running, what: str) -> None:
    files, says = BAD[what]
    with deployment.http(deployment.key()) as http:
        batch, before = begun(http), counts(deployment)
        assert says in problem(post(http, batch, files), 400, "upload-malformed")["detail"]
        assert counts(deployment) == before
        assert how_far(http, batch)["refused"] == 0


def test_a_claim_that_is_none_is_refused_whole(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(post(http, begun(http), [file("a")], {"titel": "x"}), 422, "request-invalid")


def test_together_they_are_no_larger_than_one_upload(small: Running) -> None:
    with small.http(small.key()) as http:
        batch = begun(http)
        one = file("a", b"x" * (small.service.settings.upload_bytes // 2))
        assert told(post(http, batch, [one]))[0].said["status"] == 415
        problem(post(http, batch, [one, file("b", one[1][1] + b"xx")]), 413, "upload-too-large")
        assert small.service.callers.uploads.held == 0


def test_it_takes_a_key_that_signs_and_reads(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        for scope in ("assets:sign", "assets:read"):
            token = deployment.operator.issue_key({"tool": "Test Camera", "scopes": [scope]})["token"]
            with deployment.http(token) as other:
                problem(post(other, batch, [file("a")]), 403, "scope-missing")
        with deployment.http(deployment.key()) as other:
            before = counts(deployment)
            problem(post(other, batch, [file("a")]), 404, "batch-not-found")
            assert counts(deployment) == before


def test_each_file_counts_against_the_rate(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = list[str]()
    with deployment.http(deployment.key()) as http:
        batch = begun(http)
        with monkeypatch.context() as patched:
            patched.setattr(type(deployment.service.throttle), "principal", lambda _self, who: counted.append(who))
            post(http, batch, [file("a"), file("b", b"no picture"), file("c")])
    assert len(counted) == 3


def test_small_files_count_for_their_descriptors(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a few requests of many files that hardly have a byte take all that the process may open."""
    taken = list[int]()
    take = Budget.take

    def taking(self: Budget, size: int) -> None:
        take(self, size)
        taken.append(self.held)

    with deployment.http(deployment.key()) as http, monkeypatch.context() as patched:
        batch = begun(http)
        patched.setattr(Budget, "take", taking)
        told(post(http, batch, [file(str(number), b"x") for number in range(MAX_FILES)]))
    assert max(taken) >= MAX_FILES * FILE_BYTES


def memory_files() -> int:
    """How many of this process are open."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found += str(one.readlink()).startswith("/memfd:")
    return found


def test_nothing_of_them_stays_open(own: Running) -> None:
    before = memory_files()
    with own.http(own.key()) as http:
        batch = begun(http)
        told(post(http, batch, [file("a")]))
        told(post(http, batch, [file("a"), file("b"), file("c", b"no picture")]))
        problem(post(http, batch, [file("d"), file("d")]), 400, "upload-malformed")
    until(lambda: memory_files() <= before and own.service.callers.uploads.held == 0)
    assert {one for (one,) in rows(own, "SELECT id FROM blob")} == blobs(own)
