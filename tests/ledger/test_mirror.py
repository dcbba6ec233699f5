"""An auditor believes the log's key and what they kept: every lie of a mirror, and of the log itself, is named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.auditing.auditor import Auditor, Notebook, read_notebook, write_notebook
from ledger.auditing.faults import FaultKind
from ledger.auditing.mirror import verify_mirror
from ledger.auditing.walk import NOTHING
from ledger.errors import CheckpointAbsentError, NotebookError
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.tiles import WIDTH
from tests.ledger.publishing import Published, grow, publish
from tests.ledger.world import LONG, running
from tests.simulators.key_store import SimulatedKeyStore

FEW, MORE, MOST = 300, 600, 1_400


@dataclass(frozen=True)
class Stages:
    """One log at three sizes."""

    keys: SimulatedKeyStore
    vkey: str
    files: dict[int, dict[str, bytes]]

    def at(self, size: int) -> Published:
        return Published(dict(self.files[size]))

    def newcomer(self, size: int) -> Auditor:
        return Auditor(self.at(size), Notebook(self.vkey))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    folder = tmp_path_factory.mktemp("stages")
    with running(folder / "log.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        files = {}
        for size in (FEW, MORE, MOST):
            grow(world, size)
            files[size] = publish(world, folder / str(size)).files
        return Stages(world.keys, world.ledger.vkey(), files)


@pytest.fixture
def auditor(stages: Stages) -> Auditor:
    """One who has seen the log when it had few entries."""
    made = stages.newcomer(FEW)
    assert made.visit().sound
    return made


def test_an_auditor_who_comes_back_reads_only_what_is_new(auditor: Auditor, stages: Stages) -> None:
    auditor.fetch = grown = stages.at(MORE)
    report = auditor.visit()
    assert (report.sound, report.entries, report.proven) == (True, MORE, MORE)
    assert "tile/entries/000" not in grown.asked
    assert auditor.notebook.checked.size == MORE
    grown.asked.clear()
    assert auditor.visit().sound
    assert not [path for path in grown.asked if "entries" in path]


def test_the_whole_agrees_with_the_parts(auditor: Auditor, stages: Stages) -> None:
    for size in (MORE, MOST):
        auditor.fetch = stages.at(size)
        auditor.visit()
    whole = stages.newcomer(MOST)
    assert whole.visit().sound
    assert whole.notebook == auditor.notebook


def test_an_interrupted_visit_is_gone_on_with(stages: Stages) -> None:
    halfway = stages.at(MOST)
    auditor = Auditor(_Failing(halfway, "tile/entries/004"), Notebook(stages.vkey))
    with pytest.raises(ConnectionError):
        auditor.visit()
    assert auditor.notebook.checked == NOTHING
    assert auditor.notebook.under_way is not None
    halfway.asked.clear()
    auditor.fetch = halfway
    assert auditor.visit().sound
    assert "tile/entries/003" not in halfway.asked
    assert auditor.notebook.under_way is None


class _Failing:
    def __init__(self, fetch: Published, at: str) -> None:
        self._fetch, self._at = fetch, at

    def __call__(self, path: str) -> bytes | None:
        if path == self._at:
            raise ConnectionError("the line is dead")
        return self._fetch(path)


def test_hanging_up_unsays_no_checkpoint(tmp_path: Path, stages: Stages) -> None:
    """A signed log is shown, the line is cut, and another that contradicts it is shown: shorter, and then longer."""
    auditor = stages.newcomer(MOST)
    auditor.fetch = _Failing(stages.at(MOST), "tile/entries/001")
    with pytest.raises(ConnectionError):
        auditor.visit()
    stages.keys.mark = None
    with running(tmp_path / "other.db", LONG * 10, stages.keys) as other:
        other.ledger.create_tenant("first")
        for size, kind in ((MORE, FaultKind.SHRINK), (MOST, FaultKind.FORK), (MOST + 1, FaultKind.FORK)):
            grow(other, size)
            auditor.fetch = publish(other, tmp_path / str(size))
            for _ in range(2):
                report = auditor.visit()
                assert report.fault is not None
                assert report.fault.kind is kind
    auditor.fetch = stages.at(MOST)
    assert auditor.visit().sound
    # The evidence stays, whatever is shown now: the two of one size.
    key = VerifierKey.parse(stages.vkey)
    one, two = (verify_checkpoint(note, key) for note in (auditor.notebook.seen, auditor.notebook.against))
    assert (one.size, one.root != two.root) == (two.size, True)


def test_what_was_read_beyond_the_end_counts_for_nothing(stages: Stages) -> None:
    auditor = stages.newcomer(MORE)
    auditor.visit()
    ahead = replace(auditor.notebook.checked, size=MORE + 100)
    auditor.notebook = replace(auditor.notebook, under_way=ahead)
    report = auditor.visit()
    assert (report.sound, report.entries, report.proven) == (True, MORE, MORE)


def test_what_led_to_a_fault_is_not_gone_on_with(stages: Stages) -> None:
    forged = dict(stages.files[MOST])
    last = f"tile/entries/005.p/{MOST % WIDTH}"
    forged[last] = forged[last].replace(b"note.written", b"note.wr1tten", 1)
    auditor = Auditor(Published(forged), Notebook(stages.vkey))
    report = auditor.visit()
    assert report.fault is not None
    assert (report.fault.index, report.fault.kind) == (1280, FaultKind.TILE)
    assert auditor.notebook == Notebook(stages.vkey, seen=stages.files[MOST]["checkpoint"].decode())
    auditor.fetch = stages.at(MOST)
    assert auditor.visit().sound


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one(stages: Stages) -> None:
    cleaned = {path: data for path, data in stages.files[MOST].items() if ".p/" not in path}
    shown = Published(cleaned | {"checkpoint": stages.files[MORE]["checkpoint"]} | _needed(stages))
    report = verify_mirror(shown, stages.vkey)
    assert (report.sound, report.entries) == (True, MORE)


def _needed(stages: Stages) -> dict[str, bytes]:
    """Level 1 has no full tile yet."""
    return {path: data for path, data in stages.files[MORE].items() if path.startswith("tile/1/")}


def test_a_log_that_shrank_is_named(stages: Stages) -> None:
    auditor = stages.newcomer(MORE)
    auditor.visit()
    auditor.fetch = stages.at(FEW)
    report = auditor.visit()
    assert report.fault is not None
    assert (report.fault.index, report.fault.kind) == (FEW, FaultKind.SHRINK)
    assert auditor.notebook.checked.size == MORE


@pytest.mark.parametrize("size", [FEW, FEW + 1, MORE])
def test_another_log_by_the_same_key_is_a_fork(tmp_path: Path, stages: Stages, auditor: Auditor, size: int) -> None:
    """The database was put back to an earlier state and went on from there: everything in it holds."""
    stages.keys.mark = None  # whoever forks a log does not keep to its mark
    with running(tmp_path / "other.db", LONG * 10, stages.keys) as other:
        other.ledger.create_tenant("first")
        grow(other, size)
        files = publish(other, tmp_path / "out").files
    assert verify_mirror(Published(files), stages.vkey).sound
    auditor.fetch = Published(files)
    report = auditor.visit()
    assert report.fault is not None
    assert report.fault.kind is FaultKind.FORK
    assert auditor.notebook.checked.size == FEW


def test_a_mirror_without_a_checkpoint_is_none_and_a_foreign_one_is_a_fault(stages: Stages, auditor: Auditor) -> None:
    with pytest.raises(CheckpointAbsentError, match="there is no checkpoint"):
        verify_mirror(Published({}), stages.vkey)
    note = stages.files[FEW]["checkpoint"]
    for forged in (note.replace(b"\n300\n", b"\n301\n"), note[:-20], b"\xff\xfe", b""):
        auditor.fetch = Published(stages.files[FEW] | {"checkpoint": forged})
        for report in (verify_mirror(auditor.fetch, stages.vkey), auditor.visit()):
            assert report.fault is not None
            assert report.fault.kind is FaultKind.CHECKPOINT
    assert auditor.notebook.seen == note.decode()


def test_the_notebook_survives_and_a_damaged_one_is_refused(auditor: Auditor, tmp_path: Path) -> None:
    file = tmp_path / "log.notebook"
    assert read_notebook(file) is None
    write_notebook(file, auditor.notebook)
    assert read_notebook(file) == auditor.notebook
    for damage in (b"", b"{}", file.read_bytes()[:-9], file.read_bytes().replace(b'"size"', b'"sise"', 1)):
        (tmp_path / "damaged").write_bytes(damage)
        with pytest.raises(NotebookError, match="begin a new one elsewhere"):
            read_notebook(tmp_path / "damaged")
