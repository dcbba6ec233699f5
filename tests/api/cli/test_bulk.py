"""A whole folder: resumed where it was, each file once, refusals in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.bulk import (
    FAILURES,
    JOURNAL,
    LEAST_TOGETHER,
    TOGETHER,
    TOGETHER_BYTES,
    TRIES,
    Bulk,
    _pace,
    found,
    together,
)
from sigillo_client import BatchFile, Problem, Sigillo, UnreachableError
from tests.api.cli.conftest import Run
from tests.api.wire import counts
from tests.deployment import Running, picture
from tests.detection.films import Film, write

Ask = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep" / "er").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "deep/b.jpg", "deep/er/c.jpg")):
        (folder / name).write_bytes(picture(seed=number))
    return folder


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_folder_is_signed_and_not_again(deployment: Running, ask: Ask, folder: Path) -> None:
    first, out = ask("sign", "--recursive", folder), folder.with_name("photos.signed")
    assert (first["signed"], first["failed"], first["failures"]) == (3, 0, None)
    assert {str(file.relative_to(out)) for file in found(out, folder).files} >= {"a.jpg", "deep/b.jpg", "deep/er/c.jpg"}
    assert deployment.operator.verify(out / "deep/er/c.jpg")["verdict"] == "trusted"
    assert found(folder, out).files == [folder / "a.jpg", folder / "deep/b.jpg", folder / "deep/er/c.jpg"]
    again = ask("sign", "--recursive", folder)
    assert (again["signed"], again["skipped"]) == (0, 3)


def test_what_was_interrupted_goes_on_with_the_same_assets(ask: Ask, folder: Path) -> None:
    ask("sign", "--recursive", folder)
    out = folder.with_name("photos.signed")
    before = {line["file"]: line["asset"] for line in lines(out / JOURNAL)}
    lost = out / lines(out / JOURNAL)[0]["file"]
    lost.unlink()  # signed, and lost before it was written
    whole = (out / JOURNAL).read_text()
    (out / JOURNAL).write_text(whole[:-20])  # the power went in the middle of a line
    again = ask("sign", "--recursive", folder)
    assert again["signed"] == 2
    after = {line["file"]: line["asset"] for line in lines_that_hold(out / JOURNAL)}
    assert after == before
    assert lost.exists()


def lines_that_hold(file: Path) -> list[dict[str, Any]]:
    kept = []
    for line in file.read_text().splitlines():
        try:
            kept.append(json.loads(line))
        except ValueError:
            continue
    return kept


def test_of_an_answer_that_breaks_off_nothing_is_left(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Sigillo, batch: str, files: Sequence[BatchFile], claim: Any, save: Ask, wait: int) -> Any:
        save(files[0], "content", [b"half of ", b"what was signed"])
        raise Problem(422, {"title": "The line broke"})

    monkeypatch.setattr(Sigillo, "sign_files", breaks)
    assert run("sign", "--recursive", folder).exit_code == 1
    left = {file.name for file in folder.with_name("photos.signed").rglob("*") if file.is_file()}
    assert left <= {JOURNAL, FAILURES, "sigillo-batch"}


def test_what_cannot_be_put_in_its_place_is_refused_and_keeps_nobody(ask: Ask, run: Run, folder: Path) -> None:
    out = folder.with_name("photos.signed")
    (out / "a.jpg" / "in the way").mkdir(parents=True)
    done = run("sign", "--recursive", folder, "--json")
    assert (done.exit_code, json.loads(done.stdout)["signed"]) == (1, 2)
    assert [line["file"] for line in lines(out / FAILURES)] == ["a.jpg"]
    assert not list(out.rglob("*.part"))
    (out / "a.jpg" / "in the way").rmdir()
    (out / "a.jpg").rmdir()
    assert ask("sign", "--recursive", folder)["signed"] == 1


def test_links_are_passed_over_and_counted(ask: Ask, run: Run, folder: Path) -> None:
    (folder / "deep" / "to-a.jpg").symlink_to(folder / "a.jpg")
    (folder / "to-deep").symlink_to(folder / "deep")
    (folder / "to-nothing").symlink_to(folder / "nothing")
    first = ask("sign", "--recursive", folder)
    assert (first["signed"], first["links"]) == (3, 3)
    again = run("sign", "--recursive", folder).output
    assert "links passed over: 3; what they lead to is signed if it is copied there" in " ".join(again.split())
    for link in ("deep/to-a.jpg", "to-deep", "to-nothing"):
        (folder / link).unlink()
    assert "passed over" not in run("sign", "--recursive", folder).output


def test_what_changed_is_signed_anew(ask: Ask, folder: Path) -> None:
    ask("sign", "--recursive", folder)
    (folder / "a.jpg").write_bytes(picture(seed=9))
    assert ask("sign", "--recursive", folder)["signed"] == 1
    assert ask("sign", "--recursive", folder, "--title", "Harbour")["signed"] == 3


def test_refusals_are_in_a_file_and_keep_nobody(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "deep" / "notes.txt").write_text("no picture")
    (folder / ".hidden").write_text("not looked at")
    out = tmp_path / "out"
    done = run("sign", "--recursive", folder, "-o", out, "--json")
    assert done.exit_code == 1
    assert (json.loads(done.stdout)["signed"], json.loads(done.stdout)["failed"]) == (3, 1)
    (failure,) = lines(out / FAILURES)
    assert failure["file"] == "deep/notes.txt"
    assert failure["problem"]["type"].startswith("urn:sigillo:problem:media-")
    (folder / "deep" / "notes.txt").unlink()
    assert run("sign", "--recursive", folder, "-o", out).exit_code == 0
    assert not (out / FAILURES).exists()


def test_a_film_that_carries_none_has_its_manifest_beside(deployment: Running, ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.webm").write_bytes(write(Film("webm", "libvpx", "libopus", pictures=3)))
    assert ask("sign", "--recursive", folder)["signed"] == 1
    out = tmp_path / "films.signed"
    assert deployment.operator.verify(out / "film.webm", manifest=out / "film.c2pa")["verdict"] == "trusted"


def test_films_that_would_share_a_manifest_are_told_apart_first(
    deployment: Running, run: Run, folder: Path, tmp_path: Path
) -> None:
    (folder / "deep" / "b.webm").write_bytes(write(Film("webm", "libvpx", "libopus", pictures=3)))
    assert run("sign", "--recursive", folder).exit_code == 0, "a picture of that name has its manifest inside"
    (folder / "deep" / "b.WEBM").write_bytes((folder / "deep" / "b.webm").read_bytes())
    before = counts(deployment)
    refused = run("sign", "--recursive", folder, "-o", tmp_path / "out")
    assert refused.exit_code == 2
    assert "b.c2pa" in refused.output
    assert counts(deployment) == before


@pytest.mark.parametrize("out", [".", "..", "deep/..", "../link"])
def test_a_folder_is_never_written_into_itself(deployment: Running, run: Run, folder: Path, out: str) -> None:
    """Signed files would take the place of others, which are there once."""
    folder.with_name("link").symlink_to(folder)
    before = {file: file.read_bytes() for file in found(folder, folder / "out").files}, counts(deployment)
    refused = run("sign", "--recursive", folder, "-o", folder / out)
    assert refused.exit_code == 2
    assert "another folder" in refused.output
    assert ({file: file.read_bytes() for file in found(folder, folder / "out").files}, counts(deployment)) == before


NAMES = {"no UTF-8": b"caf\xe9.jpg", "a line's end": "a\u2028b\x85c.jpg".encode(), "a new line": b"a\nb\r.jpg"}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_may_be_any_bytes(ask: Ask, run: Run, folder: Path, what: str) -> None:
    name, out = os.fsdecode(NAMES[what]), folder.with_name("photos.signed")
    (folder / name).write_bytes(picture(seed=9))
    assert ask("sign", "--recursive", folder)["signed"] == 4
    assert (out / name).exists()
    assert ask("sign", "--recursive", folder)["skipped"] == 4
    (folder / name).write_bytes(b"no picture")
    assert run("sign", "--recursive", folder).exit_code == 1
    failure = json.loads((out / FAILURES).read_text(errors="surrogateescape"))
    assert os.fsencode(failure["file"]) == NAMES[what]


@pytest.mark.parametrize("arguments", [["a", "b"], ["missing"]])
def test_one_folder_is_wanted(run: Run, folder: Path, arguments: list[str]) -> None:
    assert run("sign", "--recursive", *(folder / name for name in arguments)).exit_code == 2


@pytest.mark.parametrize("server", ["localhost:8080", "provenance.example.org"])
def test_an_address_is_wanted_whole(run: Run, folder: Path, server: str) -> None:
    done = run("sign", folder / "a.jpg", "--server", server)
    assert done.exit_code == 2
    assert f"{server} is no address of a server" in done.stderr


def test_a_folder_is_not_taken_for_a_file(run: Run, folder: Path) -> None:
    done = run("sign", folder)
    assert done.exit_code == 2
    assert "--recursive" in done.stderr


def test_what_another_run_wrote_is_passed_over(ask: Ask, run: Run, folder: Path) -> None:
    ask("sign", "--recursive", folder / "deep")
    written = folder / "deep.signed"
    assert (written / JOURNAL).exists()
    assert found(folder, folder.with_name("out")).files == found(folder, written).files
    said = run("sign", "--recursive", folder).stdout
    assert "3 signed" in said
    assert "folders passed over that have signed files of an earlier run: 1" in said
    assert ask("sign", "--recursive", folder)["signed_before"] == 1
    assert {file.name for file in found(written, folder).files} == {"b.jpg", "c.jpg"}  # none of the run's own


SIGNED: Any = {"id": "ast_1", "ledger": {"entry": "ent_1"}, "hold": None}


def test_what_passes_is_waited_for_and_the_rest_is_not_sent_again(folder: Path, tmp_path: Path) -> None:
    """No sleeping here: the waits are counted."""
    waits: list[float] = []
    calls = list[list[str]]()

    def sign(files: Sequence[BatchFile]) -> list[Any]:
        calls.append([file.name for file in files])
        if len(calls) == 1:
            raise UnreachableError("gone for a moment")
        said = {
            "a.jpg": SIGNED if len(calls) == 3 else Problem(503, {}),
            "deep/b.jpg": Problem(503, {"title": "No worker is free"}),
            "deep/er/c.jpg": Problem(422, {"title": "The claim was refused"}),
        }
        return [said[file.name] for file in files]

    bulk = Bulk(folder, tmp_path / "out", "{}", sign, waits.append)
    bulk.run(found(folder, bulk.out).files, at_once=1)
    assert (bulk.done, bulk.failed) == (1, 2)
    all_three = ["a.jpg", "deep/b.jpg", "deep/er/c.jpg"]
    assert calls == [all_three, all_three, all_three[:2], *[["deep/b.jpg"]] * (TRIES - 3)]
    assert waits == [2**tried for tried in range(TRIES - 1)]


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_sign_is_told_once(folder: Path, tmp_path: Path, status: int) -> None:
    calls = list[int]()

    def sign(files: Sequence[BatchFile]) -> list[Any]:
        calls.append(len(files))
        raise Problem(status, {"title": "Not with this key"})

    bulk = Bulk(folder, tmp_path / "out", "{}", sign)
    with pytest.raises(Problem, match="Not with this key"):
        bulk.run(found(folder, bulk.out).files, at_once=1)
    assert calls == [3]
    assert not (bulk.out / FAILURES).exists()


def test_no_server_at_all_is_told_once(folder: Path, tmp_path: Path) -> None:
    waits, calls = list[float](), list[int]()

    def sign(files: Sequence[BatchFile]) -> list[Any]:
        calls.append(len(files))
        raise UnreachableError("no answer")

    bulk = Bulk(folder, tmp_path / "out", "{}", sign, waits.append)
    files = found(folder, bulk.out).files
    with pytest.raises(UnreachableError):
        bulk.run([*files, *files, *files], at_once=1)
    assert calls == [4] * TRIES + [1] * 4  # of nine
    assert sum(waits) > 30
    assert not (bulk.out / FAILURES).exists()


def test_a_wrong_key_is_one_line(run: Run, folder: Path) -> None:
    done = run("sign", "--recursive", folder, "--token", "sgk_wrong")
    assert done.exit_code == 1
    assert done.stderr.count("Unknown API key") == len(done.stderr.splitlines()) == 1
    assert not (folder.with_name("photos.signed") / FAILURES).exists()


def test_who_stops_it_is_told_how_far_it_is(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        (folder / f"z{number}.jpg").write_bytes(picture(seed=10 + number))
    whole, calls = Sigillo.sign_files, list[int]()

    def stopped(self: Sigillo, batch: str, files: Sequence[BatchFile], claim: Any, save: Ask, wait: int) -> Any:
        calls.append(len(files))
        if len(calls) >= 2:
            raise KeyboardInterrupt
        return whole(self, batch, files, claim, save, wait)

    monkeypatch.setattr(Sigillo, "sign_files", stopped)
    done = run("sign", "--recursive", folder, "--at-once", "1")
    assert done.exit_code != 0
    assert "stopping once what is under way is signed and written" in done.stderr
    assert f"stopped at {calls[0]} of 12; the same command goes on from there" in done.stderr
    monkeypatch.undo()
    assert f"{12 - calls[0]} signed, {calls[0]} skipped" in run("sign", "--recursive", folder).stdout


def test_the_pace_is_that_of_what_was_sent() -> None:
    assert _pace(sent=0, left=5, seconds=3.0) == "waiting for the first answer"
    assert _pace(sent=10, left=90, seconds=5.0) == "2.0/s, 45 s left"


def test_one_that_breaks_every_request_keeps_none_of_the_others(folder: Path, tmp_path: Path) -> None:
    def sign(files: Sequence[BatchFile]) -> list[Any]:
        if any(file.name == "a.jpg" for file in files):
            raise UnreachableError("the connection broke")
        return [SIGNED for _ in files]

    bulk = Bulk(folder, tmp_path / "out", "{}", sign, lambda _seconds: None)
    bulk.run(found(folder, bulk.out).files, at_once=1)
    assert (bulk.done, bulk.failed) == (2, 1)
    assert [line["file"] for line in lines(bulk.out / FAILURES)] == ["a.jpg"]


def test_a_folder_that_cannot_be_read_is_a_failure(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Any, scandir: Callable[..., Any] = os.scandir) -> Any:
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    bulk = Bulk(folder, tmp_path / "out", "{}", lambda some: [SIGNED for _ in some])
    bulk.run(found(folder, bulk.out).files)
    assert (bulk.done, bulk.failed) == (1, 1)
    assert [line["file"] for line in lines(bulk.out / FAILURES)] == ["deep"]


def test_what_is_refused_together_is_told_each_its_own(folder: Path, tmp_path: Path) -> None:
    def sign(files: Sequence[BatchFile]) -> list[Any]:
        if any(file.name == "a.jpg" for file in files):
            raise Problem(413, {"title": "Too large"})
        return [SIGNED for _ in files]

    bulk = Bulk(folder, tmp_path / "out", "{}", sign)
    bulk.run(found(folder, bulk.out).files)
    assert (bulk.done, bulk.failed) == (2, 1)
    assert [line["file"] for line in lines(bulk.out / FAILURES)] == ["a.jpg"]


def test_what_cannot_be_read_keeps_none_of_the_others(folder: Path, tmp_path: Path) -> None:
    files = found(folder, tmp_path / "out").files
    files[0].unlink()
    bulk = Bulk(folder, tmp_path / "out", "{}", lambda some: [SIGNED for _ in some])
    bulk.run(files)
    assert (bulk.done, bulk.failed) == (2, 1)


@given(
    sizes=st.lists(
        st.sampled_from([0, 1, 100_000, TOGETHER_BYTES // 2, TOGETHER_BYTES, 3 * TOGETHER_BYTES]), max_size=80
    )
)
def test_files_go_together_all_of_them_once_and_in_order(sizes: list[int]) -> None:
    size_of = {Path(str(number)): size for number, size in enumerate(sizes)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.cli.bulk._size", size_of.__getitem__)
        trays = list(together(list(size_of), 4))
    assert [file for tray in trays for file in tray] == list(size_of)
    for tray in trays:
        assert len(tray) <= TOGETHER
        assert len(tray) == 1 or sum(size_of[file] for file in tray) <= TOGETHER_BYTES


def test_requests_do_not_end_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli.bulk._size", lambda _: 100_000)
    trays = [len(tray) for tray in together([Path(str(number)) for number in range(1000)], 4)]
    assert trays[:5] == [TOGETHER // 4, TOGETHER // 2, TOGETHER * 3 // 4, TOGETHER, TOGETHER]
    assert trays[-1] <= LEAST_TOGETHER


def test_a_large_file_goes_alone_and_is_never_held_whole(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.bulk.TOGETHER_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda _self: pytest.fail("a large file is read piece by piece"))
    assert ask("sign", "--recursive", folder, "-o", folder.with_name("out"))["signed"] == 3


def test_what_was_signed_and_is_not_kept_any_more_is_said(
    deployment: Running, ask: Ask, run: Run, folder: Path
) -> None:
    first, out = ask("sign", "--recursive", folder), folder.with_name("photos.signed")
    gone = lines(out / JOURNAL)[0]
    (out / gone["file"]).unlink()
    deployment.operator.erase(gone["asset"])
    again = run("sign", "--recursive", folder, "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["batch"] == first["batch"]
    (failure,) = lines(out / FAILURES)
    assert (failure["file"], failure["problem"]["status"]) == (gone["file"], 410)
    assert "erased" in failure["problem"]["detail"]


def test_a_folder_is_one_batch_that_goes_on_until_all_of_it_is_signed(
    deployment: Running, ask: Ask, run: Run, folder: Path
) -> None:
    """Whoever has the key may ask the server how far it is, and what was refused."""
    (folder / "deep" / "broken.jpg").write_bytes(picture()[:500])
    first = json.loads(run("sign", "--recursive", folder, "--json").stdout)
    assert (first["signed"], first["failed"]) == (3, 1)
    found = deployment.operator.batch(first["batch"])
    assert (found["expected"], found["done"], found["refused"], found["left"]) == (4, 3, 1, 0)
    assert [one["name"] for one in found["refusals"]] == ["deep/broken.jpg"]
    told = run("batch", first["batch"]).output
    assert "3 done, 0 held, 1 refused, 0 left, of 4" in told
    assert "deep/broken.jpg: " in told
    assert ask("batch", first["batch"])["done"] == 3
    (folder / "deep" / "broken.jpg").write_bytes(picture(seed=77))
    again = ask("sign", "--recursive", folder)
    assert (again["signed"], again["skipped"], again["batch"]) == (1, 3, first["batch"])
    assert deployment.operator.batch(first["batch"])["done"] == 4
    assert ask("sign", "--recursive", folder)["batch"] is None, "nothing was sent"
