from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

import ledger.tree.tiles
from ledger.auditing.faults import FaultKind
from ledger.auditing.mirror import folder_fetch, verify_mirror
from ledger.errors import CheckpointError, NotProvenError
from ledger.payload import Draft
from ledger.publishing.export import export_log
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from tests.ledger.world import ACTOR, LONG, POLICY, NoteWritten, World, running

ENTRIES = 600


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three tiles' worth of entries, proven, and one more that is not."""
    with running(tmp_path_factory.mktemp("export") / "log.db", interval=LONG * 10) as started:
        tenant = started.ledger.create_tenant("first")
        subject = started.ledger.subjects.system(tenant)
        drafts = [
            started.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(str(n)))
            for n in range(ENTRIES - 1)
        ]

        def work(_: Connection) -> Sequence[Draft]:
            return drafts

        started.ledger.record(work, tenant)
        Integrator(started.database, LogKey(started.database, started.keys)).step()
        started.write_note(tenant, "not proven yet", subject)
        yield started


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    export_log(world.database, tmp_path)
    return tmp_path


def test_the_folder_is_what_a_static_server_hosts(world: World, folder: Path) -> None:
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "checkpoint",
        "log.vkey",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    }
    vkey = (folder / "log.vkey").read_text()
    head = verify_checkpoint((folder / "checkpoint").read_text(), VerifierKey.parse(vkey))
    assert head.size == ENTRIES
    assert (folder / "tile/0/000").stat().st_size == ledger.tree.tiles.FULL_BYTES


def test_the_folder_checks_offline(world: World, folder: Path) -> None:
    report = verify_mirror(folder_fetch(folder), world.ledger.vkey())
    assert report.sound
    assert (report.entries, report.proven, report.payloads) == (ENTRIES, ENTRIES, 0)


def test_exporting_again_is_the_same(world: World, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    seen: list[tuple[int, int]] = []
    export_log(world.database, folder, lambda done, total: seen.append((done, total)))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert seen == [(256, ENTRIES), (512, ENTRIES), (ENTRIES, ENTRIES)]


@pytest.mark.parametrize(
    ("name", "at", "index", "kind"),
    [
        ("tile/0/000", 40, 1, FaultKind.TILE),
        ("tile/0/002.p/88", 0, 512, FaultKind.TILE),
        ("tile/1/000.p/2", 32, 256, FaultKind.TILE),
        ("tile/entries/001", 10, 256, FaultKind.ENTRY),
        ("tile/entries/001", 0, 256, FaultKind.ENTRY),
    ],
)
def test_a_changed_byte_is_found(world: World, folder: Path, name: str, at: int, index: int, kind: FaultKind) -> None:
    data = bytearray((folder / name).read_bytes())
    data[at] ^= 1
    (folder / name).write_bytes(data)
    fault = verify_mirror(folder_fetch(folder), world.ledger.vkey()).fault
    assert fault is not None
    assert (fault.index, fault.kind) == (index, kind), fault.reason


@pytest.mark.parametrize(
    ("name", "index"), [("tile/0/001", 256), ("tile/1/000.p/2", 0), ("tile/entries/002.p/88", 512)]
)
def test_a_missing_file_is_found(world: World, folder: Path, name: str, index: int) -> None:
    (folder / name).unlink()
    fault = verify_mirror(folder_fetch(folder), world.ledger.vkey()).fault
    assert fault is not None
    assert fault.index == index


def test_the_folders_own_key_is_not_believed(world: World, folder: Path) -> None:
    key = VerifierKey.parse(world.ledger.vkey())
    fault = verify_mirror(folder_fetch(folder), str(VerifierKey(key.origin, bytes(32)))).fault
    assert fault is not None
    assert (fault.kind, "no signature by" in fault.reason) == (FaultKind.CHECKPOINT, True)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        verify_mirror(folder_fetch(folder / "tile"), world.ledger.vkey())


def test_nothing_is_exported_before_the_first_checkpoint(tmp_path: Path) -> None:
    with running(tmp_path / "fresh.db", interval=LONG * 10) as fresh:
        with pytest.raises(NotProvenError):
            export_log(fresh.database, tmp_path / "out")
        assert not (tmp_path / "out").exists()
