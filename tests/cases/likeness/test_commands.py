"""The commands: what is held is said plainly, and an answer is an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.api.fixtures import logging_put_back
from tests.cases.likeness.people import HER, People
from tests.cases.likeness.test_at_upload import MADE, log
from tests.commands import app
from tests.databases import settings_of
from tests.deployment import Running


@pytest.fixture
def her(tmp_path: Path) -> Path:
    file = tmp_path / "her.jpg"
    file.write_bytes(HER)
    return file


def run(up: Running, *arguments: object) -> Result:
    environment = {"SIGILLO_HOME": str(up.home.folder), "SIGILLO_SERVER": "", **settings_of(up.home.folder)}
    with logging_put_back():
        return CliRunner().invoke(app, [str(one) for one in arguments], env=environment)


def answer(up: Running, *arguments: object) -> Any:
    return json.loads(run(up, *arguments, "--json").stdout)


def test_signing_says_what_is_held_and_writes_nothing(
    registry: Running, people: People, her: Path, tmp_path: Path
) -> None:
    claim = tmp_path / "claim.json"
    claim.write_text(json.dumps(MADE))
    with people.registered() as registration:
        done = run(registry, "sign", her, "--claim", claim)
        assert done.exit_code == 8
        assert "held, nothing is written (likeness-review)" in done.stdout
        assert {file.name for file in tmp_path.iterdir()} == {"her.jpg", "claim.json"}
        (line,) = log(registry, registration)
        listed = answer(registry, "holds", "list")["assets"]
        asset = next(one["asset"] for one in listed if one["asset"] in done.stdout)
        assert run(registry, "likeness", "appeal", asset, "--statement", "she agreed").exit_code == 0
        assert "she agreed" in run(registry, "holds", "list").stdout
        shown = run(registry, "likeness", "log", registration).stdout
        assert shown.splitlines()[0].endswith("  uploader: held"), "an upload need not say what it is for"
        assert f"{line['id']}, entry {line['entry']}" in shown
        assert run(registry, "likeness", "respond", registration, line["id"], "objected").exit_code == 0
        assert run(registry, "holds", "refuse", asset, "--reason", "she objects").exit_code == 0
        assert run(registry, "holds", "release", asset, "--reason", "she agreed after all").exit_code == 0
        assert asset not in run(registry, "holds", "list").stdout


def test_an_empty_log_says_so(registry: Running, people: People) -> None:
    with people.registered(people.stranger(11)) as registration:
        assert "nothing yet" in run(registry, "likeness", "log", registration).stdout


def test_an_answer_is_an_exit_code(registry: Running, people: People, her: Path) -> None:
    ask = ("likeness", "check", her, "--purpose", "commercial")
    assert run(registry, *ask).exit_code == 0
    with people.registered():
        refused = run(registry, *ask)
        assert (refused.exit_code, "refused" in refused.stdout) == (1, True)
        assert answer(registry, *ask, "--nonce", "nonce-of-mine")["nonce"] == "nonce-of-mine"
    with people.registered(people.like_her(0.6)):
        assert run(registry, *ask, "--place", "FR").exit_code == 8
    assert "sexualised" in run(registry, "likeness", "check", her, "--purpose", "art").output
