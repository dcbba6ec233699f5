from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.api.cli.conftest import Run
from tests.deployment import Running

VECTORS = Path(__file__).parents[2] / "vectors" / "c2pa-trust-list"


def test_anchors_can_be_redirected_into_a_file(deployment: Running, run: Run, ask: Callable[..., Any]) -> None:
    done = run("trust", "anchors")
    assert done.exit_code == 0
    assert done.stdout == deployment.operator.anchors()
    assert done.stdout.startswith("-----BEGIN CERTIFICATE-----")
    assert ask("trust", "anchors") == {"anchors": done.stdout}


def test_a_list_is_put_in_force_once_somebody_has_seen_what_it_changes(
    deployment: Running, run: Run, ask: Callable[..., Any], tmp_path: Path
) -> None:
    """Of the official list, both forms."""
    file, pem = VECTORS / "C2PA-TSA-TRUST-LIST.json", VECTORS / "C2PA-TSA-TRUST-LIST.pem"
    assert "--yes" in run("trust", "update", file, "--as", "c2pa-tsa", "--json").stdout
    asked = run("trust", "update", file, "--as", "c2pa-tsa", typed="n\n")
    assert (asked.exit_code, deployment.operator.trust_lists()) == (1, {"lists": []})
    assert "22 certificates more to trust, 0 fewer: go on?" in asked.output
    assert "+ CN=Irdeto C2PA Root CA G1,O=Irdeto BV,C=NL, until 2050-12-05" in asked.output
    done = run("trust", "update", file, "--as", "c2pa-tsa", typed="y\n")
    assert "c2pa-tsa of 2026-08-05 is in force: entry ent_" in done.output
    try:
        assert "22 certificates" in run("trust", "list").output
        assert "promised for 2027-08-05" in run("trust", "show", "c2pa-tsa").output
        older = run("trust", "update", pem, "--as", "c2pa-tsa", "--dated", "2026-08-04", "--yes")
        assert (older.exit_code, "get the current one" in older.output) == (1, True)
        assert "--dated" in run("trust", "update", pem, "--as", "c2pa-tsa", "--yes").output
        newer = ask("trust", "update", pem, "--as", "c2pa-tsa", "--dated", "2026-08-14", "--yes")
        assert (newer["added"], newer["removed"]) == ([], [])
        elsewhere = tmp_path / "list.pem"
        elsewhere.write_bytes(pem.read_bytes().replace(b"\n", b"\r\n"))
        same = ask("trust", "update", elsewhere, "--as", "c2pa-tsa", "--dated", "2026-08-14", "--yes")
        assert same["list"]["digest"] == sha256(elsewhere.read_bytes()).hexdigest()
        assert (same["added"], same["removed"]) == ([], [])
    finally:
        run("trust", "drop", "c2pa-tsa", "--yes")
    assert "none: beside" in run("trust", "list").output
    assert "no trust list c2pa-tsa" in run("trust", "show", "c2pa-tsa").output
