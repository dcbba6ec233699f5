"""An older database is put back: the service goes on and its log signs nothing, until the operator confirms."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from keys.clock import system_clock
from ledger.tree.checkpoint import VerifierKey
from tests.api.cli.conftest import Run
from tests.api.wire import PATIENCE, problem, proven, signed
from tests.deployment import Running, running
from tests.simulators.witness_server import WitnessServer


def test_nothing_to_recover_from(run: Run, deployment: Running) -> None:
    assert "nothing to recover from" in run("ledger", "recover").stdout
    assert json.loads(run("ledger", "recover", "--json").stdout)["needed"] is False
    refused = run("ledger", "recover", "--confirm", "yes")
    assert refused.exit_code == 1
    assert "nothing to recover from" in " ".join(refused.output.split())
    with deployment.http(deployment.key()) as http:
        problem(http.get("/v1/ledger/recovery"), 403, "scope-missing")
        problem(http.post("/v1/ledger/recovery", json={"confirm": "x"}), 403, "scope-missing")


@pytest.mark.sqlite("puts a file back")
def test_an_older_database_is_recovered_from_in_two_steps(tmp_path: Path, run: Run) -> None:
    home = tmp_path / "home"
    _sign_one(home)
    shutil.copy(home / "sigillo.db", tmp_path / "older.db")
    _sign_one(home)
    shutil.copy(tmp_path / "older.db", home / "sigillo.db")
    with running(home) as up:
        with up.http(up.key()) as http:
            asset, _ = signed(http)
            deadline = time.monotonic() + PATIENCE
            while not (reason := http.get("/readyz").json()["parts"]["ledger"]["reason"]):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert "sigillo ledger recover" in reason
            assert http.get(f"/v1/receipts/{asset['ledger']['entry']}").status_code == 202
        at_home = {"SIGILLO_HOME": str(home)}
        told = run("ledger", "recover", **at_home)
        assert told.exit_code == 0
        word = json.loads(run("ledger", "recover", "--json", **at_home).stdout)["confirm"]
        assert f"--confirm {word}" in " ".join(told.stdout.split())
        assert run("ledger", "recover", "--confirm", "yes", **at_home).exit_code == 1
        done = run("ledger", "recover", "--confirm", word, "--json", **at_home)
        assert done.exit_code == 0, done.output
        proven(up, json.loads(done.stdout)["entry"])
        proven(up, asset["ledger"]["entry"])


def _sign_one(home: Path) -> None:
    with running(home) as up, up.http(up.key()) as http:
        asset, _ = signed(http)
        proven(up, asset["ledger"]["entry"])
    for rest in ("sigillo.db-wal", "sigillo.db-shm"):
        (home / rest).unlink(missing_ok=True)


@pytest.mark.sqlite("puts a file back")
def test_a_folder_that_was_put_back_whole_is_noticed_by_a_witness(tmp_path: Path, run: Run) -> None:
    """Its mark went back with it. The witness stays, and what it saw."""
    home, server = tmp_path / "home", WitnessServer(tmp_path / "witness", "witness.example/one", system_clock)
    witnesses = [f"{server.address.key} {server.address.url}"]
    server.begin()

    def grown(folder: Path, copy: Path | None = None) -> None:
        with running(folder, witnesses=witnesses, witness_seconds=0.1) as up:
            server.knows(VerifierKey.parse(up.operator.log_key()))
            up.key()
            _until(lambda: up.service.ledger.witnesses.standings()[0].size == up.service.ledger.status().committed)
        if copy is not None:
            shutil.copytree(folder, copy)

    grown(home, tmp_path / "older")
    grown(home)
    with running(tmp_path / "older", witnesses=witnesses, witness_seconds=0.1) as up:
        up.key()
        with up.http() as http:
            _until(lambda: "has seen" in http.get("/readyz").json()["parts"]["ledger"]["reason"])
            shown = http.get("/readyz").json()["parts"]
            assert "witness.example/one has seen" in shown["witnesses"]["warning"]
            assert 'sigillo_witness_well{witness="witness.example/one"} -1.0' in http.get("/metrics").text
        at_home = {"SIGILLO_HOME": str(tmp_path / "older")}
        told = run("ledger", "recover", **at_home)
        assert "by witness.example/one, who will cosign no other history" in told.stdout
        found = json.loads(run("ledger", "recover", "--json", **at_home).stdout)
        assert found["witnesses"][0]["size"] > found["mark"]["size"] == found["database"]["size"]
        done = run("ledger", "recover", "--confirm", found["confirm"], "--json", **at_home)
        assert done.exit_code == 0, done.output
        proven(up, json.loads(done.stdout)["entry"])
        assert up.service.ledger.status().ready
    server.end()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
