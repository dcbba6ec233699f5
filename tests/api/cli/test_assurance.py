from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from identity.assurance.policy import DEFAULT_FILE, default_policy
from tests.api.cli.conftest import Run
from tests.deployment import Running
from tests.detection.faces.photos import PORTRAIT_FILE, jpeg, landscape, mirrored


def test_an_accounts_tier_is_shown(deployment: Running, run: Run, ask: Any) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        path = "/v1/assurance/accounts"
        account = http.post(path, json={"account": "cli-17"}).json()["id"]
        sent = http.post(f"{path}/{account}/codes", json={"evidence": "email", "destination": "ada@example.org"}).json()
        code = json.loads((deployment.home.outbox / f"{sent['request']}.json").read_text())["code"]
        http.post(f"{path}/{account}/codes/{sent['request']}", json={"code": code})
    assert ask("assurance", "status", account)["tier"] == "low"
    shown = run("assurance", "status", account)
    assert shown.exit_code == 0
    assert "email from code: low until" in shown.stdout
    assert run("assurance", "status", f"acc_{'a' * 26}").exit_code == 1


def test_a_policy_is_checked_before_it_is_used(run: Run, ask: Any, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(DEFAULT_FILE.read_bytes())
    found = ask("assurance", "policy", str(file))
    assert (found["policy"], found["sha256"]) == ("assurance@1", default_policy().digest)
    assert found["rules"]["US"]["driving_licence"]["tier"] == "high"
    assert "everywhere: email is low for 365 days" in run("assurance", "policy", str(file)).stdout
    file.write_text(json.dumps({**json.loads(DEFAULT_FILE.read_bytes()), "statement_minutes": 0}))
    refused = run("assurance", "policy", str(file))
    assert refused.exit_code == 1
    assert "statement_minutes" in refused.output


def test_an_account_is_opened_and_its_holder_shows_portrait_and_selfie(run: Run, ask: Any, tmp_path: Path) -> None:
    account = ask("assurance", "open", "cli-portrait")["id"]
    assert account in run("assurance", "open", "cli-portrait").stdout
    portrait, selfie, hills = (tmp_path / name for name in ("document.jpg", "selfie.jpg", "hills.jpg"))
    portrait.write_bytes(PORTRAIT_FILE.read_bytes())
    selfie.write_bytes(jpeg(mirrored()))
    hills.write_bytes(jpeg(landscape()))
    shown = run("assurance", "portrait", account, portrait, selfie, "--country", "FR")
    assert shown.exit_code == 0, shown.output
    assert "matches" in shown.stdout
    assert ask("assurance", "status", account)["tier"] == "medium"
    blind = run("assurance", "portrait", account, portrait, hills)
    assert blind.exit_code == 1
    assert "no face" in blind.output
