"""Registering a face by command, and what a person does with those that are held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cases.access import Scope
from identity.registration.recovery import RecoveryCode
from provenance.request import Grant
from tests.api.cli.conftest import Run
from tests.api.registrants import SCOPES, account
from tests.deployment import Running
from tests.detection.faces.photos import PORTRAIT_FILE, jpeg, landscape


@pytest.fixture
def platform(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that may do all of it, in a tenant of its own."""
    scopes = [*SCOPES, "registrations:review", "holds:admin"]
    issued = deployment.operator.issue_key({"tool": "", "scopes": scopes, "source_types": [], "new_tenant": True})
    monkeypatch.setenv("SIGILLO_TOKEN", str(issued["token"]))
    return str(issued["token"])


def digest(deployment: Running, region: str = "FR") -> str:
    return str(deployment.operator.registration_rules(region)["consent"]["sha256"])


def test_a_face_is_registered_and_papers_are_saved(
    run: Run, deployment: Running, platform: str, tmp_path: Path
) -> None:
    mine = account(deployment, platform, "ada")
    asked = ["--account", mine, "--region", "FR", "--refuses", "sexualised", "-o", str(tmp_path)]
    done = run("register", str(PORTRAIT_FILE), *asked, "--agreed", digest(deployment))
    assert done.exit_code == 0, done.output
    assert "refuses sexualised" in done.stdout
    words = next(line.strip() for line in done.stdout.splitlines() if len(line.split()) == 12)
    RecoveryCode.read(words)
    (credential,) = tmp_path.glob("reg_*.credential.sd-jwt")
    (receipt,) = tmp_path.glob("reg_*.receipt.jwt")
    assert {file.stat().st_mode & 0o777 for file in (credential, receipt)} == {0o600}
    assert words not in "".join(file.read_text() for file in tmp_path.iterdir()), "the code is shown, and saved nowhere"
    assert credential.read_text().count("~") > 3


def test_the_text_is_shown_and_agreed_to_first(run: Run, deployment: Running, platform: str, tmp_path: Path) -> None:
    mine = account(deployment, platform, "asked")
    asked = ["--account", mine, "--region", "AT", "--language", "de", "-o", str(tmp_path)]
    done = run("register", str(PORTRAIT_FILE), *asked)  # nobody answers
    assert done.exit_code != 0
    assert "Artikel 9 Absatz 2" in done.stdout
    assert list(tmp_path.iterdir()) == []
    programs = run("register", str(PORTRAIT_FILE), *asked, "--json")
    assert programs.exit_code == 2
    assert "--agreed" in json.loads(programs.stdout)["problem"]["detail"]


def test_a_photo_that_shows_nobody_is_refused_in_words(
    run: Run, deployment: Running, platform: str, tmp_path: Path
) -> None:
    hills = tmp_path / "hills.jpg"
    hills.write_bytes(jpeg(landscape()))
    asked = ["--account", account(deployment, platform, "hills"), "--region", "FR", "--agreed", digest(deployment)]
    done = run("register", str(hills), *asked)
    assert done.exit_code == 1
    assert "photo 1: no face was found" in done.output


def test_held_registrations_and_legal_holds_stand_side_by_side(
    run: Run, deployment: Running, platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed = ["--region", "FR", "--agreed", digest(deployment), "-o", str(tmp_path)]
    for name in ("agent-1", "agent-2"):
        asked = [
            "--account",
            account(deployment, platform, name),
            "--right",
            "agent",
            "--stated",
            "agreement of 3 March",
        ]
        waiting = run("register", str(PORTRAIT_FILE), *asked, *agreed)
        assert (waiting.exit_code, "register again with --portrait" in waiting.output) == (0, True)
    assert not list(tmp_path.glob("*.credential*")), "a held registration has no credential yet"
    shown = run("holds", "list").stdout
    assert "acts as agent: agreement of 3 March" in shown
    found: dict[str, Any] = json.loads(run("holds", "list", "--json").stdout)
    assert found["holds"] == []
    first, second = found["registrations"]
    assert json.loads(run("holds", "list", "--kind", "legal", "--json").stdout) == {"holds": []}
    other = run("holds", "release", first["registration"], "--reason", "the registration's own id is no hold's")
    assert (other.exit_code, "sigillo holds list" in other.output) == (1, True)
    own = run("holds", "release", first["id"], "--reason", "mine")
    assert own.exit_code == 1
    assert "somebody else has to look at it" in own.output
    assert {one["reason"] for one in second["reasons"]} == {"right", "conflict"}
    assert run("registration", "show", second["registration"]).stdout.startswith("held")
    waits = run("registration", "credential", second["registration"], "-o", str(tmp_path))
    assert (waits.exit_code, "held" in waits.output) == (1, True)
    monkeypatch.setenv("SIGILLO_TOKEN", another(deployment, platform))
    released = run("holds", "release", second["id"], "--reason", "case-7: both were asked")
    assert released.exit_code == 0, released.output
    assert run("holds", "refuse", first["id"], "--reason", "case-7").exit_code == 0
    assert [one["state"] for one in listed(run, "--decided")] == ["refused", "released"]
    assert listed(run) == []
    monkeypatch.setenv("SIGILLO_TOKEN", platform)
    given = run("registration", "credential", second["registration"], "-o", str(tmp_path))
    assert given.exit_code == 0, given.output
    assert [file.name for file in tmp_path.glob("*.credential.sd-jwt")] == [
        f"{second['registration']}.credential.sd-jwt"
    ]


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    """Held registrations."""
    shown = json.loads(run("holds", "list", "--kind", "registration", "--json", *options).stdout)
    found: list[dict[str, Any]] = shown["registrations"]
    return found


def another(deployment: Running, platform: str) -> str:
    """A key of another principal of the same tenant, who decides."""
    by = deployment.service.access.authenticate(platform)
    return deployment.service.access.issue(by, [Scope.REVIEW], Grant("", frozenset())).token
