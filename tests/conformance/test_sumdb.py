"""An exported log audited by other people's tools: Go's transparency log packages, where Go and they are installed.

On Debian: `apt install golang-go golang-golang-x-mod-dev`. Elsewhere these tests are left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from ledger.ids import EntryId, TenantId
from ledger.publishing.export import export_log
from tests.ledger.world import ACTOR, LONG, POLICY, NoteWritten, World, running

SOURCE = Path(__file__).with_name("sumdb") / "audit.go"
PACKAGES = Path("/usr/share/gocode")
HERE = shutil.which("go") and (PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir()
pytestmark = pytest.mark.skipif(not HERE, reason="Go and golang.org/x/mod are not installed")

GROWN = 700
"""Entries: three bundles, the last of them partial."""


Auditor: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Exported:
    key: str
    folder: Path
    earlier: Path
    """A checkpoint from when the log was small."""


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(PACKAGES), "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", folder / "audit", SOURCE], env=environment, check=True)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([folder / "audit", *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("log")
    with running(folder / "log.db") as world:
        tenant = world.ledger.create_tenant("first")
        last = _written(world, tenant, 1)
        assert world.ledger.wait_proven(last, LONG)
        (folder / "earlier").write_text(world.ledger.checkpoint())
        assert world.ledger.wait_proven(_written(world, tenant, GROWN), LONG)
        export_log(world.database, folder / "export")
        return Exported(world.ledger.vkey(), folder / "export", folder / "earlier")


def _written(world: World, tenant: TenantId, count: int) -> EntryId:
    """The last of so many entries."""
    system = world.ledger.subjects.system(tenant)
    drafts = [world.ledger.draft("note.written", POLICY, ACTOR, system, NoteWritten(f"{n}")) for n in range(count)]
    return world.ledger.record(lambda _connection: drafts, tenant).entries[-1]


def test_all_of_it_is_sound(auditor: Auditor, exported: Exported) -> None:
    done = auditor(exported.key, exported.folder, exported.earlier)
    assert (done.returncode, done.stdout) == (0, f"sound: {1 + 1 + GROWN} entries\n"), done.stderr


@pytest.mark.parametrize(
    ("file", "at", "said"),
    [
        ("checkpoint", 30, "signature|malformed"),
        ("tile/entries/001", 300, "make the root"),
        ("tile/entries/002.p/190", 300, "make the root"),
        ("tile/0/001", 300, "invalid|inconsistent|tile"),
        ("tile/1/000.p/2", 40, "invalid|inconsistent|tile"),
    ],
)
def test_what_is_forged_is_refused(
    auditor: Auditor, exported: Exported, tmp_path: Path, file: str, at: int, said: str
) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(exported.folder, forged)
    data = bytearray((forged / file).read_bytes())
    data[at] ^= 1
    (forged / file).write_bytes(data)
    done = auditor(exported.key, forged)
    assert done.returncode
    assert re.search(said, done.stderr), done.stderr
