"""Receipts by command: fetched from a server, checked without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.cli.conftest import Run
from tests.api.wire import signed
from tests.deployment import Running
from tests.simulators.witness import SimulatedWitness

Ask = Callable[..., Any]


@pytest.fixture
def receipt(deployment: Running, ask: Ask, tmp_path: Path) -> tuple[Path, Path]:
    """A receipt, and the log's key."""
    with deployment.http(deployment.key()) as http:
        entry = signed(http)[0]["ledger"]["entry"]
    file, key = tmp_path / "receipt.tlog-proof", tmp_path / "log.vkey"
    key.write_text(deployment.service.ledger.vkey())
    assert ask("ledger", "receipt", entry, "-o", file, "--wait", 30) == {"entry": entry, "written": str(file)}
    return file, key


def test_it_is_checked_with_the_key_alone(run: Run, ask: Ask, receipt: tuple[Path, Path]) -> None:
    file, key = receipt
    proven = ask("ledger", "verify", file, "--key", key)
    assert (proven["sound"], proven["entry"]["kind"]) == (True, "asset.signed")
    assert "sound: asset.signed of 20" in run("ledger", "verify", file, "--key", key).stdout
    assert run("ledger", "verify", file).exit_code == 2


@pytest.mark.parametrize("at", [30, -10])
def test_what_was_changed_is_not_sound(run: Run, receipt: tuple[Path, Path], at: int) -> None:
    file, key = receipt
    text = file.read_text()
    at %= len(text)
    file.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    done = run("ledger", "verify", file, "--key", key)
    assert (done.exit_code, done.stdout.partition(":")[0]) == (5, "not sound")


def test_a_witness_that_is_asked_for_must_have_signed(run: Run, receipt: tuple[Path, Path]) -> None:
    file, key = receipt
    done = run("ledger", "verify", file, "--key", key, "--witness", SimulatedWitness("w.example").vkey)
    assert done.exit_code == 5
    assert "cosignatures by 1 of the named witnesses are needed" in done.stdout


def test_an_entry_that_is_not_there(run: Run) -> None:
    done = run("ledger", "receipt", "ent_" + "a" * 26)
    assert done.exit_code == 1
    assert "no entry" in done.stderr
