"""kill -9 in the middle of recording: what was acknowledged is there, whole, and nothing half-written is seen."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.auditing.fsck import verify_log
from ledger.errors import SubjectErasedError
from ledger.forgetting.schedule import BACKUP_TIME, MIN_EPOCH_LIFETIME
from ledger.ids import SubjectId, TenantId
from ledger.storage.tables import Entry, Epoch, EpochState, Payload, SubjectKey
from ledger.storage.tenancy import SystemSession
from tests.ledger.ender import Ender
from tests.ledger.world import World, settle

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
    settle(world.database)
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


def test_kill_while_epochs_end(tmp_path: Path) -> None:
    """Killed again and again at chance moments: no survivor is lost, and the epochs go on ending."""
    kept, erased, chance = set[str](), set[str](), random.Random(7)
    for _ in range(4):
        command = [sys.executable, "-m", "tests.ledger.ender", str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(20)]
            time.sleep(chance.uniform(0, 0.1))
            child.kill()
            lines += child.stdout.readlines()
        told = [line.split() for line in lines if line.endswith("\n")]
        assert len(told) >= 20, "it ended by itself"
        kept |= {name for word, name in told if word == "kept"}
        erased |= {name for word, name in told if word == "erased"}
    ender = Ender(tmp_path)
    for _ in range(2 * (BACKUP_TIME + MIN_EPOCH_LIFETIME).days + 2):
        ender.round()
    for name in kept:
        ender.ledger.subjects.open(ender.tenant, SubjectId(name))
    for name in erased:
        with pytest.raises(SubjectErasedError):
            ender.ledger.subjects.open(ender.tenant, SubjectId(name))
    with ender.database.read(ender.tenant) as connection:
        mine = select(Epoch.number, Epoch.state).where(Epoch.tenant_id == ender.tenant)
        states = {row.number: row.state for row in connection.execute(mine)}
    newest = max(states)
    assert newest > 12
    assert all(state == EpochState.DESTROYED for number, state in states.items() if number < newest - 8)
    assert ender.ledger.verify().sound
    ender.close()
