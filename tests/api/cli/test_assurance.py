from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from identity.assurance.policy import DEFAULT_FILE, default_policy
from tests.api.cli.conftest import Run
from tests.deployment import Running


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
