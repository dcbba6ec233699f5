"""The README's first command, as a stranger runs it: another folder, the usual umask, nothing made before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.receipt import verify_receipt
from tests.commands import app

VERDICTS = {
    "2-signed.jpg": "trusted",
    "3-tampered.jpg": "invalid",
    "4-stripped.jpg": "absent",
    "5-edited.jpg": "trusted",
}


@pytest.mark.parametrize("keys", ["embedded", pytest.param("openbao", marks=pytest.mark.openbao)])
def test_demo_tells_its_story(tmp_path: Path, keys: str) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    command = [sys.executable, "-m", "api.cli", "demo", "--json", "--keys", keys, "--out", str(tmp_path / "out")]
    done = subprocess.run(
        ["sh", "-c", 'umask 022; exec "$@"', "sh", *command], env=ours, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == 0
    seen = [item for scene in json.loads(done.stdout)["story"] for item in scene["seen"]]
    told = {name: text for item in seen for name, text in item.items() if name in VERDICTS}
    assert {name: text.partition(":")[0] for name, text in told.items()} == VERDICTS
    assert all((tmp_path / "out" / name).stat().st_size for name in VERDICTS)
    receipt = (tmp_path / "out" / "6-receipt.tlog-proof").read_text()
    proven = verify_receipt(receipt, (tmp_path / "out" / "log.vkey").read_text())
    assert proven.entry.kind == "asset.signed"
    assert any(text.startswith("sound") for item in seen for name, text in item.items() if name == "ledger")


def test_demo_never_empties_a_folder_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert (tmp_path / "letters.txt").read_text() == "mine"
