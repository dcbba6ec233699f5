"""A regulator's commands, from search to a bundle that an outsider verifies; and holds."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli import oversight
from ledger.auditing import bundle_verifier
from tests.api.cli.conftest import Run
from tests.api.wire import proven, signed
from tests.deployment import Running, picture


@pytest.fixture(scope="module")
def asset(deployment: Running) -> dict[str, Any]:
    with deployment.http(deployment.key()) as http:
        found, _ = signed(http, picture(seed=77), {"title": "Never in a bundle"})
    proven(deployment, found["ledger"]["entry"])
    return found


def test_from_a_search_to_a_bundle_that_shows_what_was_found(
    run: Run, ask: Callable[..., Any], deployment: Running, asset: dict[str, Any], tmp_path: Path
) -> None:
    entry, out, file = asset["ledger"]["entry"], tmp_path / "opened", tmp_path / "bundle.zip"
    public = ask("ledger", "search", "--kind", "asset.signed")
    (one,) = [one for one in public["entries"] if one["entry"]["id"] == entry]
    opened = ask("ledger", "disclose", entry, "--reason", "case 1", "--out", out)
    assert [one["entry"] for one in opened["disclosed"]] == [entry]
    kept = sorted(out.iterdir())
    assert [file.name for file in kept] == [f"{entry}.json", f"{entry}.salt"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in kept} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    span = ("--from", one["index"], "--to", public["range"]["end"] - 1)
    done = run("ledger", "bundle", file, *span, "--disclosed", out)
    assert done.exit_code == 0, done.output
    found = bundle_verifier.verify(str(file), deployment.operator.log_key())
    assert "disclosed    payloads: 1, all what their entries committed to" in found
    assert file.stat().st_mode & 0o077 == 0
    before, again = file.read_bytes(), run("ledger", "bundle", file)
    assert (again.exit_code, file.read_bytes()) == (2, before), "a bundle is evidence"
    other = tmp_path / "other.zip"
    beyond = run("ledger", "bundle", other, "--to", one["index"] - 1, "--disclosed", out)
    assert beyond.exit_code == 1
    assert not list(tmp_path.rglob("other.zip*"))
    assert "is not in the range" in " ".join(beyond.output.split())


def test_payloads_are_searched_into_a_folder(
    run: Run, ask: Callable[..., Any], asset: dict[str, Any], tmp_path: Path
) -> None:
    entry, at = asset["ledger"]["entry"], ("--from", asset["created_at"][:19])
    found = ask("ledger", "search", "--outcome", "signed", *at, "--reason", "case 2", "--out", tmp_path)
    assert entry in [one["entry"]["id"] for one in found["matches"]]
    assert (tmp_path / f"{entry}.json").read_text() == found["matches"][0]["disclosed"]["payload"]
    assert len(found["openings"]) == 1
    told = run("ledger", "search", "--outcome", "signed", *at, "--reason", "case 2", "--out", tmp_path)
    assert "payload opened; those that match" in told.stdout
    assert "that none is left out: sigillo ledger bundle" in told.stdout
    assert "--url" not in told.stdout


def test_a_regulator_far_away_is_told_where_the_proof_is(
    deployment: Running, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have an address and no ledger at home."""
    monkeypatch.setattr(oversight, "connected", lambda _server, token: deployment.client(token))
    found = ask("ledger", "search", SIGILLO_SERVER="https://sigillo.example/")
    assert found["range"]["proof"].endswith(" --url https://sigillo.example/ledger")


def test_lines_for_people(run: Run, asset: dict[str, Any], tmp_path: Path) -> None:
    entry = asset["ledger"]["entry"]
    listed = run("ledger", "search", "--kind", "asset.signed")
    assert f"asset.signed  intake.record@1  {entry}" in listed.stdout
    opened = run("ledger", "disclose", entry, "--reason", "case 1", "--out", tmp_path)
    assert "1 payload opened into" in opened.stdout


def test_openings_want_a_reason(run: Run, tmp_path: Path) -> None:
    for command in (
        ("search", "--outcome", "signed"),
        ("search", "--kind", "asset.signed", "--reason", "idle"),
        ("disclose", "ent_" + "a" * 26),
    ):
        refused = run("ledger", *command)
        assert refused.exit_code == 2
        assert "--reason" in refused.output


def test_a_hold_is_placed_listed_and_released(
    run: Run, ask: Callable[..., Any], deployment: Running, asset: dict[str, Any]
) -> None:
    placed = run("holds", "place", "case-9", asset["id"], "--reason", "an order")
    assert "hold case-9 is in force" in placed.stdout
    assert asset["id"] in run("holds", "list").stdout
    assert [hold["name"] for hold in ask("holds", "list")["holds"]] == ["case-9"]
    released = ask("holds", "release", "case-9", "--reason", "closed")
    assert released["name"] == "case-9"
    assert ask("holds", "list")["holds"] == []
