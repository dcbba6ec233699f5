"""kill -9 while people leave: each is either registered, whole, or gone, whole, and the next generation proves it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from identity.registration.record import State
from ledger.ids import TenantId
from tests.databases import url_of
from tests.identity.registration.desk import running
from tests.ledger.world import until_all_placed

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("acknowledged", [2, 9])
def test_kill_while_people_leave(tmp_path: Path, acknowledged: int) -> None:
    url_of(tmp_path / "killed.db")  # so that the child finds the server of this process
    command = [sys.executable, "-m", "tests.identity.registration.leaver", str(tmp_path / "killed.db")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = list[str]()
        while sum(line.startswith("gone ") for line in lines) < acknowledged:
            lines.append(child.stdout.readline())
            assert lines[-1], "it ended by itself"
        child.kill()
        lines += child.stdout.readlines()
    told = [line.split() for line in lines if line.endswith("\n")]
    tenant = TenantId(next(name for word, name in told if word == "tenant"))
    with running(tmp_path / "killed.db") as desk:
        until_all_placed(desk.house.accounts.database)
        rows = desk.house.rows(
            "SELECT r.id, r.state, r.sealed, r.recovery, k.id AS key_id, a.id AS absent, p.status FROM registration r "
            "LEFT JOIN subject_key k ON k.id = r.id LEFT JOIN index_absence a ON a.id = r.id "
            "LEFT JOIN status_place p ON p.credential_id = r.credential_id WHERE r.tenant_id = :tenant",
            tenant=tenant,
        )
        for row in rows:
            whole = (row.sealed, row.recovery, row.key_id)
            if row.state == State.WITHDRAWN:
                assert (whole, row.absent, row.status) == ((None, None, None), row.id, 1)
            else:
                assert (row.state, row.absent, row.status) == (State.ACTIVE, None, 0)
                assert None not in whole
        states = {row.id: row.state for row in rows}
        for word, name in told:
            assert word != "made" or name in states
            assert word != "gone" or states[name] == State.WITHDRAWN
        entries = desk.house.rows(
            "SELECT count(*) AS made FROM payload WHERE tenant_id = :tenant AND kind = 'registration.withdrawn'",
            tenant=tenant,
        )
        assert entries[0].made == list(states.values()).count(State.WITHDRAWN)
