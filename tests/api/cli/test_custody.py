from __future__ import annotations

import json
from pathlib import Path

from tests.api.cli.conftest import Run
from tests.deployment import Running


def test_custody_by_id_by_file_and_by_bundle(run: Run, deployment: Running, photo: Path, tmp_path: Path) -> None:
    signed, bundle = tmp_path / "signed.jpg", tmp_path / "it.custody"
    asset = json.loads(run("sign", photo, "-o", signed, "--title", "Harbour", "--json").stdout)["id"]
    by_id = run("custody", "show", asset)
    assert by_id.exit_code == 0, by_id.output
    assert "Harbour" in by_id.stdout
    assert "signing" in by_id.stdout
    by_file = run("custody", "show", signed, "--json")
    assert json.loads(by_file.stdout)["content_checked"] is True
    exported = run("custody", "export", asset, "-o", bundle)
    assert exported.exit_code == 0, exported.output
    assert run("custody", "export", asset, "-o", bundle).exit_code == 2
    shown = run("custody", "show", bundle)
    assert (shown.exit_code, "This is the word of the log" in shown.stdout) == (0, True), shown.output
    origin = json.loads(run("custody", "show", bundle, "--json").stdout)["origin"]
    assert f"trusted, says {origin}" in shown.stdout
    assert "found here the log trusted, its manifests trusted" in shown.stdout
    assert f"as the word of {origin}" in run("custody", "import", bundle).stdout
    brought = run("custody", "import", bundle, "--json")
    assert json.loads(brought.stdout)["ledger"]["entry"].startswith("ent_")
    assert f"trusted, the word of {origin}" in run("custody", "show", signed).stdout


def test_a_bundle_of_a_log_that_nobody_knows_says_what_to_do(
    run: Run, deployment: Running, photo: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "it.custody"
    asset = json.loads(run("sign", photo, "-o", tmp_path / "signed.jpg", "--json").stdout)["id"]
    assert run("custody", "export", asset, "-o", bundle).exit_code == 0
    for command in ("show", "import"):
        shown = run("custody", command, bundle, SIGILLO_HOME=str(tmp_path / "other"))
        assert shown.exit_code == 6, shown.output
        assert "found here the log untrusted, its manifests untrusted" in shown.stdout
        assert "SIGILLO_KNOWN_LOGS" in shown.stdout


def test_what_a_key_uploaded_is_that_keys(run: Run, deployment: Running, photo: Path, tmp_path: Path) -> None:
    token = deployment.key()
    signed = run("sign", photo, "-o", tmp_path / "signed.jpg", "--json", "--token", token)
    asset = json.loads(signed.stdout)["id"]
    refused = run("custody", "export", asset)
    assert (refused.exit_code, "SIGILLO_TOKEN" in refused.stderr) == (1, True), refused.output
    assert run("custody", "export", asset, "-o", tmp_path / "it", "--token", token).exit_code == 0


def test_what_does_not_hold_ends_with_a_code(run: Run, deployment: Running, photo: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "it.custody"
    asset = json.loads(run("sign", photo, "-o", tmp_path / "signed.jpg", "--json").stdout)["id"]
    assert run("custody", "export", asset, "-o", bundle).exit_code == 0
    bundle.write_bytes(bundle.read_bytes().replace(b"Untitled", b"Entitled", 1))
    for command in ("show", "import"):
        refused = run("custody", command, bundle)
        assert refused.exit_code == 1, refused.output
        assert "does not hold" in refused.stderr
    assert run("custody", "show", tmp_path / "none").exit_code == 2
    assert run("custody", "show", photo).exit_code == 3


def test_handing_over(run: Run, deployment: Running, photo: Path, tmp_path: Path) -> None:
    to = deployment.operator.issue_key({"tool": "Desk"})
    asset = json.loads(run("sign", photo, "-o", tmp_path / "signed.jpg", "--json").stdout)["id"]
    offered = run("custody", "offer", asset, "--to", str(to["principal"]))
    assert offered.exit_code == 0, offered.output
    assert asset in run("custody", "offers", "--token", str(to["token"])).stdout
    assert run("custody", "decline", asset).exit_code == 0
    assert run("custody", "accept", asset, "--token", str(to["token"])).exit_code == 1
    assert run("custody", "offer", asset, "--to", str(to["principal"])).exit_code == 0
    accepted = run("custody", "accept", asset, "--token", str(to["token"]))
    assert (accepted.exit_code, "yours" in accepted.stdout) == (0, True), accepted.output
    shown = run("custody", "show", asset, "--token", str(to["token"]))
    assert f"-> {to['principal']}" in shown.stdout, shown.output
