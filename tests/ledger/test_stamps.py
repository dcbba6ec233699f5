"""Stamps as an auditor finds them: published, exported, checked by everyone, and every forgery named."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from ledger.auditing import bundle_verifier
from ledger.auditing.auditor import Auditor, Notebook
from ledger.auditing.bundle import judge_bundle, write_bundle
from ledger.auditing.faults import FaultError, FaultKind
from ledger.auditing.fsck import verify_log
from ledger.auditing.mirror import verify_mirror
from ledger.errors import StampAnchorsError, StampIndexError
from ledger.stamping.stamp_check import Judge, StampsFound
from ledger.stamping.stamps import ANCHORS_FILE, INDEX_FILE, parse_index, stamp_paths
from ledger.storage.tables import Stamp
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from tests.ledger.publishing import Change, Published, grow, publish, remade
from tests.ledger.stamper import Desk, response_of
from tests.ledger.world import LONG, running, tampering
from tests.simulators.openssl_authority import needs_openssl
from tests.simulators.time_stamp_authority import TimeStampAuthority

STAMPED, SIZE = (3, 300, 600), 650


@dataclass(frozen=True)
class Log:
    vkey: str
    authority: TimeStampAuthority
    now: datetime
    before: Published
    """At 600 entries, of which 300 are stamped."""

    after: Published
    other: Published
    """Another log by the same key, with stamps of its own."""

    def judge(self, authority: TimeStampAuthority | None = None) -> Judge:
        return Judge((authority or self.authority).anchors, lambda: self.now)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("stamps")
    with running(folder / "log.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        desk = Desk(world)
        for size in STAMPED[:-1]:
            grow(world, size)
            desk.stamp()
        grow(world, STAMPED[-1])
        before = publish(world, folder / "before")
        desk.stamp()
        grow(world, SIZE)
        after = publish(world, folder / "after")
    world.keys.mark = None  # whoever forks a log does not keep to its mark
    with running(folder / "other.db", LONG * 10, world.keys) as fork:
        fork.ledger.create_tenant("first")
        desk.authority.clock = fork.clock
        forger = Desk(fork, desk.authority)
        for size in STAMPED:
            grow(fork, size)
            forger.stamp()
        now = max(world.clock(), fork.clock())
        return Log(fork.ledger.vkey(), desk.authority, now, before, after, publish(fork, folder / "other"))


def test_they_are_published_as_files(log: Log) -> None:
    assert parse_index(log.after.files[INDEX_FILE]) == STAMPED
    assert log.after.files[ANCHORS_FILE].decode() == log.authority.anchors
    for size in STAMPED:
        note, response = (log.after.files[path] for path in stamp_paths(size))
        assert verify_checkpoint(note.decode(), VerifierKey.parse(log.vkey)).size == size
        assert response
    assert {path: log.after.files.get(path) for path in log.before.files if path.startswith("stamps/3")} == {
        path: data for path, data in log.before.files.items() if path.startswith("stamps/3")
    }, "a stamp is the same for ever"


def test_without_roots_they_are_present_and_not_judged(log: Log) -> None:
    report = verify_mirror(log.after, log.vkey)
    assert report.sound
    assert (report.stamps.present, report.stamps.trusted, report.stamps.untrusted) == (3, 0, 0)
    assert report.stamps.size == 600


def test_under_an_auditors_roots_they_hold(log: Log) -> None:
    report = verify_mirror(log.after, log.vkey, judge=log.judge())
    assert report.sound
    assert report.stamps == StampsFound(3, 3, 0, 600, "2026-11-21T15:00:00Z")


def test_under_other_roots_they_are_untrusted_and_the_log_is_none_the_worse(log: Log) -> None:
    report = verify_mirror(log.after, log.vkey, judge=log.judge(TimeStampAuthority("Elsewhere")))
    assert report.sound
    assert (report.stamps.present, report.stamps.trusted, report.stamps.untrusted) == (3, 0, 3)


def test_an_auditor_who_comes_back_checks_those_that_are_new(log: Log) -> None:
    auditor = Auditor(Published(dict(log.before.files)), Notebook(log.vkey), judge=log.judge())
    assert auditor.visit().stamps.size == 300
    # The log is as it was; its last checkpoint has been stamped since.
    files = {path: data for path, data in log.after.files.items() if path.startswith("stamps/")}
    auditor.fetch = late = Published(log.before.files | files)
    report = auditor.visit()
    assert (report.sound, report.stamps.present, report.stamps.size) == (True, 1, 600)
    assert "stamps/300.tsr" not in late.asked
    assert auditor.visit().stamps.present == 0


def test_what_was_only_seen_is_judged_once_there_are_roots(log: Log) -> None:
    auditor = Auditor(log.after, Notebook(log.vkey))
    assert auditor.visit().stamps.present == 3
    assert auditor.visit().stamps.present == 0
    auditor.judge = log.judge()
    assert auditor.visit().stamps.trusted == 3
    assert auditor.visit().stamps.present == 0


def test_a_stamp_beyond_the_checkpoint_that_a_reader_holds_waits(log: Log) -> None:
    shown = Published(log.before.files | {INDEX_FILE: b"3\n300\n700\n"})
    report = verify_mirror(shown, log.vkey, judge=log.judge())
    assert (report.sound, report.stamps.size) == (True, 300)


Forge = Callable[[Log, dict[str, bytes]], object]
NOTE, RESPONSE = stamp_paths(300)


def restamped(log: Log, files: dict[str, bytes], note: bytes) -> None:
    files[NOTE], files[RESPONSE] = note, response_of(log.authority, note)


def resized(log: Log, files: dict[str, bytes]) -> None:
    """Another stamped checkpoint of this log under this one's name."""
    files[NOTE], files[RESPONSE] = (log.after.files[path] for path in stamp_paths(3))


def foreign(log: Log, files: dict[str, bytes]) -> None:
    files[NOTE], files[RESPONSE] = (log.other.files[path] for path in stamp_paths(300))


@pytest.mark.parametrize(
    ("change", "index", "reason"),
    [
        (foreign, 299, "not of this log"),
        (resized, 299, "its checkpoint is of 3 entries"),
        (lambda _, files: files.update({NOTE: files[stamp_paths(600)[0]]}), 299, "its checkpoint is of 600 entries"),
        (lambda log, files: restamped(log, files, files[NOTE][:-12] + b"AAAAAAAAAA=\n"), 299, "not of this log"),
        (lambda log, files: restamped(log, files, b"a text that nobody signed\n"), 299, "not of this log"),
        (lambda _, files: files.update({RESPONSE: files[stamp_paths(600)[1]]}), 299, "imprint"),
        (lambda _, files: files.update({RESPONSE: files[RESPONSE][:-1]}), 299, "can be read"),
        (lambda _, files: files.pop(RESPONSE), 299, "can be read"),
        (lambda _, files: files.pop(NOTE), 299, "not of this log"),
        (lambda _, files: files.update({INDEX_FILE: b"3\n300\n301\n"}), 300, "not of this log"),
        (lambda _, files: files.update({INDEX_FILE: b"300\n3\n"}), 0, "do not rise"),
        (lambda _, files: files.update({INDEX_FILE: b"3\n300"}), 0, "one size a line"),
    ],
)
def test_a_forged_one_is_named(log: Log, change: Forge, index: int, reason: str) -> None:
    files = dict(log.after.files)
    change(log, files)
    for judge in (None, log.judge()):
        fault = verify_mirror(Published(files), log.vkey, judge=judge).fault
        assert fault is not None
        assert (fault.index, fault.kind) == (index, FaultKind.STAMP)
        assert reason in fault.reason


def test_who_judges_sees_more(log: Log) -> None:
    """The imprint is right, and the signature is not; or the moment has not come yet."""
    forged = log.after.files[RESPONSE][:-1] + bytes([log.after.files[RESPONSE][-1] ^ 1])
    shown = Published(log.after.files | {RESPONSE: forged})
    assert verify_mirror(shown, log.vkey).sound
    fault = verify_mirror(shown, log.vkey, judge=log.judge()).fault
    assert fault is not None
    assert (fault.index, fault.kind) == (299, FaultKind.STAMP)
    early = replace(log.judge(), clock=lambda: log.now - timedelta(hours=2))
    fault = verify_mirror(log.after, log.vkey, judge=early).fault
    assert fault is not None
    assert "from the future" in fault.reason


def test_the_databases_own_stamps_are_checked_too(tmp_path: Path, log: Log) -> None:
    with running(tmp_path / "log.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        grow(world, 300)
        desk = Desk(world)
        desk.stamp()
        judge = Judge(desk.authority.anchors, world.clock)
        assert world.ledger.verify(judge=judge).stamps.trusted == 1
        assert verify_log(world.database).stamps.present == 1
        with tampering(world.database) as connection:
            connection.execute(update(Stamp).values(response=log.after.files[RESPONSE]))
        fault = world.ledger.verify().fault
    assert fault is not None
    assert (fault.index, fault.kind) == (299, FaultKind.STAMP)


def bundle(log: Log, first: int = 0, end: int | None = None) -> bytes:
    file = io.BytesIO()
    write_bundle(log.after, log.vkey, file, first, end)
    return file.getvalue()


def check(data: bytes, log: Log, folder: Path) -> list[str]:
    (folder / "bundle.zip").write_bytes(data)
    return bundle_verifier.verify(str(folder / "bundle.zip"), log.vkey)


@pytest.mark.parametrize(
    ("first", "end", "sizes"),
    [(0, None, STAMPED), (0, 2, (3,)), (2, 4, (3, 300)), (3, 300, (300,)), (299, 301, (300, 600)), (600, None, ())],
)
def test_a_bundle_has_those_that_bear_on_its_range(
    log: Log, tmp_path: Path, first: int, end: int | None, sizes: tuple[int, ...]
) -> None:
    found = check(bundle(log, first, end), log, tmp_path)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert tuple(map(int, json.loads(archive.read("bundle.json"))["stamps"])) == sizes
    said = [line for line in found if line.startswith("stamps ")]
    assert said == (
        [f"stamps       {len(sizes)} of checkpoints of this log, the last at size {sizes[-1]}"] if sizes else []
    )
    assert judge_bundle(tmp_path / "bundle.zip", log.judge()).trusted == len(sizes)
    assert judge_bundle(tmp_path / "bundle.zip", None).trusted == 0


@needs_openssl
def test_the_command_that_it_prints_checks_them(log: Log, tmp_path: Path) -> None:
    """With the real openssl, and the verifier as it lies in the bundle."""
    data = bundle(log)
    (tmp_path / "tsa.pem").write_text(log.authority.anchors)
    (tmp_path / "log.vkey").write_text(log.vkey)
    for forge, code in ((False, 0), (True, 1)):
        if forge:
            data = remade(data, {stamp_paths(600)[1]: lambda tsr: tsr[:-1] + bytes([tsr[-1] ^ 1])})
        (tmp_path / "bundle.zip").write_bytes(data)
        (tmp_path / "verify.py").write_bytes(zipfile.ZipFile(io.BytesIO(data)).read("verify.py"))
        asked = [sys.executable, "verify.py", "bundle.zip", "--key", "log.vkey"]
        said = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        unpack, openssl = (line.strip() for line in said.splitlines() if line.startswith("      "))
        assert openssl == "openssl ts -verify -data stamps/600.checkpoint -in stamps/600.tsr -CAfile tsa.pem"
        subprocess.run([sys.executable, *unpack.split()[1:]], cwd=tmp_path, check=True)
        done = subprocess.run(openssl.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    with pytest.raises(FaultError, match="the stamp of 600 entries"):
        judge_bundle(tmp_path / "bundle.zip", log.judge())


def facts(**changes: object) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), "stamps": {**json.loads(data)["stamps"], **changes}}).encode()


def test_a_forged_one_in_a_bundle_is_named(log: Log, tmp_path: Path) -> None:
    data, other = bundle(log), log.other.files
    rows: tuple[tuple[dict[str, Change | None], dict[str, bytes], str], ...] = (
        (
            {NOTE: lambda _: other[NOTE], RESPONSE: lambda _: other[RESPONSE]},
            {},
            "the stamp of 300 entries: its checkpoint",
        ),
        ({NOTE: lambda _: log.after.files[stamp_paths(3)[0]]}, {}, "it is of 3 entries"),
        ({NOTE: lambda note: note[:-12] + b"AAAAAAAAAA=\n"}, {}, "the stamp of 300 entries"),
        ({"bundle.json": facts(**{"300": []})}, {}, "the stamp of 300 entries"),
        ({"bundle.json": facts(**{"300": ["00" * 32]})}, {}, "the stamp of 300 entries"),
        ({"bundle.json": facts(**{"300": "x"})}, {}, "no list of hashes"),
        ({"bundle.json": facts(**{"301": []})}, {}, "other stamps than it says"),
        ({"bundle.json": lambda all_: json.dumps(json.loads(all_) | {"stamps": 3}).encode()}, {}, "no list of proofs"),
        ({RESPONSE: None}, {}, "other stamps than it says"),
        ({ANCHORS_FILE: None}, {}, "other stamps than it says"),
        ({}, {"stamps/301.tsr": b""}, "other stamps than it says"),
        ({}, {"stamps/index": b""}, "one that no bundle has"),
    )
    for changed, added, reason in rows:
        with pytest.raises(bundle_verifier.UnsoundError, match=reason):
            check(remade(data, changed, added), log, tmp_path)


@given(st.lists(st.integers(1, 2**63 - 1), unique=True).map(sorted))
def test_an_index_reads_back(sizes: list[int]) -> None:
    assert parse_index("".join(f"{size}\n" for size in sizes).encode()) == tuple(sizes)


@pytest.mark.parametrize(
    "data",
    [b"0\n", b"03\n", b"-1\n", b"3", b"3\n3\n", b"3\n\n4\n", b"\n", b" 3\n", b"9223372036854775808\n", b"\xff\n"],
)
def test_an_index_has_one_spelling(data: bytes) -> None:
    with pytest.raises(StampIndexError):
        parse_index(data)


def test_roots_that_cannot_be_read_are_refused() -> None:
    for roots in ("", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(StampAnchorsError, match="give the roots"):
            Judge.of(roots)
    assert Judge.of(TimeStampAuthority().anchors).clock() <= datetime.now(UTC)
