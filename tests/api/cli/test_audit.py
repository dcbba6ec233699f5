"""Auditing a log from afar: a static server hosts an export, and strangers check it with the command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.audit import follow
from ledger.auditing.auditor import Auditor, Notebook
from ledger.auditing.faults import FaultKind
from ledger.errors import CheckpointAbsentError
from ledger.stamping.stamp_check import Judge
from ledger.witnessing.cosignature import Quorum
from sigillo_client import UnreachableError
from tests.api.cli.conftest import Run
from tests.api.wire import proven, signed
from tests.deployment import Running
from tests.ledger.publishing import Published
from tests.ledger.small_log import SmallLog
from tests.ledger.stamper import response_of
from tests.loopback import hosted
from tests.simulators.time_stamp_authority import TimeStampAuthority
from tests.simulators.witness import SimulatedWitness


@pytest.fixture
def folder(deployment: Running, run: Run, tmp_path: Path) -> Path:
    return _exported(deployment, run, tmp_path / "site" / "ledger")


def _exported(deployment: Running, run: Run, folder: Path) -> Path:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
    proven(deployment, asset["ledger"]["entry"])
    assert run("ledger", "export", folder).exit_code == 0
    return folder


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A static server over the export."""
    with hosted(folder.parent) as server:
        yield f"{server}/ledger"


def test_a_stranger_checks_a_log_on_a_static_server(
    deployment: Running, run: Run, url: str, folder: Path, tmp_path: Path
) -> None:
    key, state = tmp_path / "log.vkey", tmp_path / "notebook"
    key.write_bytes((folder / "log.vkey").read_bytes())
    asked = ("ledger", "verify", "--url", url, "--state", state, "--json")
    first = run(*asked, "--key", key)
    assert first.exit_code == 0, first.output
    _exported(deployment, run, folder)
    second = run(*asked)
    assert second.exit_code == 0, second.output
    before, after = json.loads(first.stdout), json.loads(second.stdout)
    assert after["entries"] > before["entries"] > 0
    assert after["proven"] == after["entries"]
    checkpoint = folder / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n\n", b"\nextra\n\n"))
    forged = run(*asked)
    assert forged.exit_code == 5
    assert json.loads(forged.stdout)["fault"]["kind"] == "checkpoint"
    (folder / "checkpoint").unlink()
    gone = run(*asked)
    assert gone.exit_code == 1
    assert "there is no checkpoint" in gone.output


def test_a_changed_file_ends_the_watch_with_its_index(run: Run, url: str, folder: Path) -> None:
    bundle = next(path for path in (folder / "tile" / "entries").rglob("*") if path.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"tenant.created", b"tenant.cre4ted", 1))
    done = run("ledger", "verify", "--url", url, "--follow")
    assert done.exit_code == 5
    assert "index 0" in done.stdout


def test_wrong_use_is_told(run: Run, url: str, folder: Path, tmp_path: Path) -> None:
    for arguments in (
        (folder, "--url", url),
        ("--follow",),
        ("--state", tmp_path / "x"),
        (folder, "--state", tmp_path / "x"),
    ):
        assert run("ledger", "verify", *arguments).exit_code == 2
    nobody = run("ledger", "verify", "--url", "http://127.0.0.1:1/ledger")
    assert nobody.exit_code == 7
    state = tmp_path / "notebook"
    assert run("ledger", "verify", "--url", url, "--state", state).exit_code == 0
    other = tmp_path / "other.vkey"
    other.write_text("log.example+11111111+" + "A" * 44)
    foreign = run("ledger", "verify", "--url", url, "--state", state, "--key", other)
    assert foreign.exit_code == 2
    assert "name another file" in " ".join(foreign.output.split())


def test_an_auditor_takes_one_file_and_the_next(
    deployment: Running, run: Run, url: str, folder: Path, tmp_path: Path
) -> None:
    key, first, second = folder / "log.vkey", tmp_path / "first.zip", tmp_path / "second.zip"
    made = run("ledger", "bundle", first, "--url", url, "--json")
    assert made.exit_code == 0, made.output
    facts = json.loads(made.stdout)
    assert facts["end"] == facts["size"]
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
    proven(deployment, asset["ledger"]["entry"])
    assert run("ledger", "bundle", second, "--from", facts["end"], "--since", first).exit_code == 0
    checked = run("ledger", "verify", second, "--key", key, "--since", first)
    assert checked.exit_code == 0, checked.output
    assert "begins where that one ended" in " ".join(checked.stdout.split())
    assert run("ledger", "verify", second).exit_code == 2
    assert run("ledger", "verify", key, "--key", key).exit_code == 1
    broken = run("ledger", "verify", first, "--key", key, "--since", second, "--json")
    assert (broken.exit_code, json.loads(broken.stdout)["sound"]) == (5, False)
    assert run("ledger", "bundle", tmp_path / "none.zip", "--from", 10**6).exit_code == 1
    kept = second.read_bytes()
    assert run("ledger", "bundle", second, "--since", second).exit_code == 2
    assert second.read_bytes() == kept
    assert not (tmp_path / "none.zip").exists()


def test_stamps_are_judged_under_the_auditors_roots(run: Run, url: str, folder: Path, tmp_path: Path) -> None:
    """Of a mirror, from afar, and in a bundle: present, trusted, untrusted, and of another log."""
    authority, key, file = TimeStampAuthority(), folder / "log.vkey", tmp_path / "bundle.zip"
    note = (folder / "checkpoint").read_bytes()
    size = int(note.split(b"\n")[1])
    (folder / "stamps").mkdir()
    (folder / "stamps" / "index").write_text(f"{size}\n")
    (folder / "stamps" / "anchors.pem").write_text(authority.anchors)
    (folder / f"stamps/{size}.checkpoint").write_bytes(note)
    (folder / f"stamps/{size}.tsr").write_bytes(response_of(authority, note))
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.write_text(authority.anchors)
    theirs.write_text(TimeStampAuthority("Elsewhere").anchors)
    index = (folder / "stamps" / "index").rename(tmp_path / "withheld")
    assert "no stamps to judge" in run("ledger", "verify", folder, "--tsa-anchors", ours).stdout
    index.rename(folder / "stamps" / "index")
    assert run("ledger", "bundle", file, "--url", url).exit_code == 0
    everyone: tuple[tuple[object, ...], ...] = ((folder,), ("--url", url, "--key", key), (file, "--key", key))
    for asked in everyone:
        for roots, code, said in (
            ((), 0, "1 stamp, the last at"),
            (("--tsa-anchors", ours), 0, "1 good"),
            (("--tsa-anchors", theirs), 6, "1 by authorities under none of the given roots"),
            (("--tsa-anchors", key), 2, "give the roots of the time-stamp authorities"),
        ):
            done = run("ledger", "verify", *asked, *roots)
            assert (done.exit_code, said in " ".join(done.output.split())) == (code, True), done.output
            assert ("not judged" in done.output) == (roots == ())
        found = json.loads(run("ledger", "verify", *asked, "--tsa-anchors", ours, "--json").stdout)["stamps"]
        assert (found["present"], found["trusted"], found["size"]) == (1, 1, size)
    (folder / f"stamps/{size}.tsr").write_bytes(response_of(authority, b"something else"))
    file.unlink()
    run("ledger", "bundle", file, "--url", url)
    followed = ("--url", url, "--follow")
    for asked in (*everyone, followed):
        done = run("ledger", "verify", *asked, "--tsa-anchors", ours)
        assert (done.exit_code, "imprint" in done.output) == (5, True), done.output


def test_the_verifier_is_the_same_everywhere(deployment: Running, run: Run) -> None:
    told = json.loads(run("ledger", "verifier", "--json").stdout)
    with deployment.http() as anyone:
        served = anyone.get("/ledger/verify.py")
    assert served.text == told["text"] == run("ledger", "verifier").stdout
    assert hashlib.sha256(served.content).hexdigest() == told["sha256"]


def test_following_tells_of_each_change_once(folder: Path) -> None:
    """Grown, at rest, away, gone, back at rest, and another log in the end. Where none ever was it ends at once."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    auditor = Auditor(Published(files), Notebook(files["log.vkey"].decode().strip()))
    forged = {path: bytes(len(data)) if path.startswith("tile/0") else data for path, data in files.items()}
    follows = iter([None, None, _away, Published({}), Published(files), Published(files), Published(forged)])
    told: list[str] = []

    def sleep(_: float) -> None:
        auditor.fetch = next(follows) or auditor.fetch
        if auditor.fetch == Published(forged):
            auditor.notebook = Notebook(auditor.notebook.vkey)

    with pytest.raises(CheckpointAbsentError):
        follow(Auditor(Published({}), auditor.notebook), 60, 0, lambda what, _facts: told.append(what), sleep)
    report = follow(auditor, 60, 0, lambda what, _facts: told.append(what), sleep)
    assert told == ["grown", "stalled", "unreachable"]
    assert report.fault is not None
    assert report.fault.kind is FaultKind.TILE


def test_following_tells_of_stamps_by_strangers() -> None:
    log, told = SmallLog(), list[str]()
    auditor = Auditor(Published(dict(log.files)), Notebook(str(log.key)))
    auditor.judge = Judge(TimeStampAuthority("Elsewhere").anchors)

    def sleep(_: float) -> None:
        if len(told) > 2:
            auditor.fetch = Published({**log.files, "tile/entries/000.p/5": b""})
            auditor.notebook = Notebook(auditor.notebook.vkey)

    assert follow(auditor, 60, 0, lambda what, _facts: told.append(what), sleep).fault
    assert told == ["untrusted", "grown", "stalled"]


def test_following_tells_how_far_a_long_visit_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli.audit.LONG_SECONDS", 0.0)
    log, told = SmallLog(), list[tuple[str, Any]]()
    auditor = Auditor(Published(dict(log.files)), Notebook(str(log.key)))

    def sleep(_: float) -> None:
        auditor.fetch = Published({**log.files, "checkpoint": b"none"})

    assert follow(auditor, 60, 3600, lambda what, facts: told.append((what, facts)), sleep).fault
    assert told[0] == ("checking", {"done": 5, "total": 5})
    assert told[-1] == ("grown", {"entries": 5})


def test_following_tells_once_that_witnesses_are_missing_and_goes_on() -> None:
    files = dict(SmallLog().files)
    witness, note = SimulatedWitness("witness.example/one"), files["checkpoint"].decode()
    seen = Published({**files, "checkpoint": (note + witness.line(note)).encode()})
    forged = Published({**files, "checkpoint": (note + witness.line(f"another {note}")).encode()})
    vkey = files["log.vkey"].decode().strip()
    auditor = Auditor(Published(files), Notebook(vkey), quorum=Quorum.parse([witness.vkey]))
    follows = iter([None, seen, Published(files), None, forged])
    told: list[str] = []

    def sleep(_: float) -> None:
        auditor.fetch = next(follows) or auditor.fetch

    report = follow(auditor, 60, 3600, lambda what, _facts: told.append(what), sleep)
    assert told == ["unwitnessed", "grown", "unwitnessed"]
    assert report.fault is not None
    assert report.fault.kind is FaultKind.COSIGNATURE


def test_following_tells_that_a_log_rests_which_no_witness_saw() -> None:
    """Who withholds cosignatures could stop the log behind them."""
    files = dict(SmallLog().files)
    quorum = Quorum.parse([SimulatedWitness("witness.example/one").vkey])
    auditor = Auditor(Published(files), Notebook(files["log.vkey"].decode().strip()), quorum=quorum)
    told: list[str] = []

    def sleep(_: float) -> None:
        if len(told) > 1:
            auditor.fetch = Published({**files, "tile/0/000.p/5": bytes(5 * 32)})
            auditor.notebook = Notebook(auditor.notebook.vkey)

    assert follow(auditor, 60, 0, lambda what, _facts: told.append(what), sleep).fault
    assert told == ["unwitnessed", "stalled"]


def _away(_path: str) -> bytes | None:
    raise UnreachableError("nobody answers")
