"""kill -9 in the middle of recording: what was acknowledged is there, whole, and nothing half-written is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.fsck import verify_log
from ledger.ids import TenantId
from ledger.tables import Entry, Payload, SubjectKey
from ledger.tenancy import SystemSession
from tests.ledger.world import World

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("acknowledged", [1, 7, 60, 300])
def test_kill_while_recording(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "killed.db"
    command = [sys.executable, "-m", "tests.ledger.recorder", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(acknowledged + 1)]
        child.kill()
        lines += child.stdout.readlines()
    told = [line.split() for line in lines if line.endswith("\n")]
    tenant = TenantId(next(name for word, name in told if word == "tenant"))
    acked = {name for word, name in told if word == "entry"}
    assert len(acked) >= acknowledged
    world = World(path)
    report = verify_log(world.database)
    assert report.sound, report.fault
    with world.database.read(SystemSession.VERIFICATION) as connection:
        entries = set(connection.execute(select(Entry.id)).scalars())
        sealed = set(connection.execute(select(Payload.entry_id)).scalars())
        subjects = set(connection.execute(select(SubjectKey.id)).scalars())
        about = set(connection.execute(select(Payload.subject_id)).scalars())
    assert acked <= entries
    assert world.note_ids(tenant) == {entry for entry in entries if entry in sealed} - _created(world)
    assert (entries, subjects) == (sealed, about)
    world.database.close()


def _created(world: World) -> set[str]:
    with world.database.read(SystemSession.VERIFICATION) as connection:
        return set(connection.execute(select(Payload.entry_id).where(Payload.kind == "tenant.created")).scalars())
