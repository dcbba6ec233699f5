from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.cli.keys import _issuers_part
from keys.certificates import INTERMEDIATE_NAME, VAULT_ISSUER
from keys.openbao import OpenBao
from tests.api.cli.conftest import Run
from tests.deployment import picture, running

Ask = Callable[..., Any]


def test_status_says_what_signs_until_when(run: Run, ask: Ask) -> None:
    status = ask("keys", "status")
    assert (status["kind"], status["ready"], status["reason"]) == ("embedded", True, "")
    assert {key["name"] for key in status["keys"]} == {"sigillo-claim", "sigillo-log"}
    assert status["certificate_expires"].endswith("Z")
    shown = run("keys", "status")
    assert "sigillo-claim@1" in shown.stdout


def test_status_makes_no_keys(run: Run, tmp_path: Path) -> None:
    done = run("keys", "status", SIGILLO_HOME=str(tmp_path / "none"))
    assert done.exit_code == 1
    assert not (tmp_path / "none").exists()


def test_status_does_not_guess_from_a_database_of_an_earlier_version(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()
    done = run("keys", "status", SIGILLO_DATABASE=f"sqlite:///{tmp_path / 'old.db'}")
    assert done.exit_code == 7
    assert "start the service" in done.stderr


def test_wrong_passphrase_is_told(run: Run) -> None:
    done = run("keys", "status", SIGILLO_PASSPHRASE="not the one")
    assert done.exit_code == 1
    assert "passphrase" in done.stderr
    assert "not the one" not in done.output


def test_vault_that_does_not_answer_is_unavailable(run: Run, tmp_path: Path) -> None:
    vault = {"SIGILLO_KEYS": "vault", "SIGILLO_VAULT_URL": "http://127.0.0.1:1", "SIGILLO_VAULT_TOKEN": "s.secret"}
    done = run("keys", "status", SIGILLO_HOME=str(tmp_path), **vault)
    assert done.exit_code == 7
    assert "s.secret" not in done.output


def test_bootstrap_can_be_run_again_and_its_token_serves(run: Run, ask: Ask, openbao: OpenBao, tmp_path: Path) -> None:
    ask("keys", "bootstrap-vault", "--url", openbao.url, SIGILLO_VAULT_TOKEN=openbao.root_token)
    again = ask("keys", "bootstrap-vault", "--url", openbao.url, SIGILLO_VAULT_TOKEN=openbao.root_token)
    assert again["made"] in ([], ())
    assert "service_token" not in again
    vault = {"SIGILLO_KEYS": "vault", "SIGILLO_VAULT_URL": openbao.url, "SIGILLO_HOME": str(tmp_path / "home")}
    role = {"SIGILLO_VAULT_ROLE_ID": again["role_id"], "SIGILLO_VAULT_WRAPPED_SECRET_ID": again["wrapped_secret_id"]}
    for _ in range(2):
        status = ask("keys", "status", **vault, **role)
        assert (status["kind"], status["ready"]) == ("vault", True)
    assert [file.name for file in (tmp_path / "home").iterdir() if not file.name.endswith(".lock")] == [
        "vault-secret-id"
    ]


def test_bootstrap_makes_a_plain_token_when_asked(run: Run, ask: Ask, openbao: OpenBao, tmp_path: Path) -> None:
    bootstrap = ("keys", "bootstrap-vault", "--url", openbao.url, "--plain-token")
    made = ask(*bootstrap, SIGILLO_VAULT_TOKEN=openbao.root_token)
    vault = {"SIGILLO_KEYS": "vault", "SIGILLO_VAULT_URL": openbao.url, "SIGILLO_HOME": str(tmp_path)}
    assert ask("keys", "status", SIGILLO_VAULT_TOKEN=made["service_token"], **vault)["ready"]
    shown = run(*bootstrap, SIGILLO_VAULT_TOKEN=openbao.root_token).stdout
    assert "SIGILLO_VAULT_WRAPPED_SECRET_ID" in shown


def test_a_wrapping_token_that_somebody_else_used_is_told(run: Run, ask: Ask, openbao: OpenBao, tmp_path: Path) -> None:
    made = ask("keys", "bootstrap-vault", "--url", openbao.url, SIGILLO_VAULT_TOKEN=openbao.root_token)
    openbao.vault().speaking_as(made["wrapped_secret_id"]).write("sys/wrapping/unwrap", {})
    done = run(
        *("keys", "status"),
        SIGILLO_KEYS="vault",
        SIGILLO_VAULT_URL=openbao.url,
        SIGILLO_HOME=str(tmp_path),
        SIGILLO_VAULT_ROLE_ID=made["role_id"],
        SIGILLO_VAULT_WRAPPED_SECRET_ID=made["wrapped_secret_id"],
    )
    assert done.exit_code == 7
    assert "ALARM" in done.output
    assert made["wrapped_secret_id"] not in done.output


def test_bootstrap_wants_an_address_and_a_token(run: Run, openbao: OpenBao) -> None:
    assert run("keys", "bootstrap-vault", SIGILLO_VAULT_TOKEN="x", SIGILLO_VAULT_URL="").exit_code == 2
    refused = run("keys", "bootstrap-vault", "--url", openbao.url, SIGILLO_VAULT_TOKEN="wrong")
    assert refused.exit_code == 7
    assert "administrator" in refused.stderr
    assert run("keys", "bootstrap-vault", "--url", "http://127.0.0.1:1", SIGILLO_VAULT_TOKEN="x").exit_code == 7


def test_a_version_is_revoked_and_signs_no_more(run: Run, ask: Ask, tmp_path: Path) -> None:
    home = {"SIGILLO_HOME": str(tmp_path / "revoking")}
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    with running(tmp_path / "revoking"):
        ask("sign", str(photo), **home)
        revoked = ask("keys", "revoke", "sigillo-claim@1", "--reason", "keycompromise", **home)
        assert (revoked["key"], revoked["reason"]) == ("sigillo-claim@1", "keyCompromise")
        assert revoked["since"] < revoked["revoked_at"], "all that it ever signed"
        shown = run("keys", "revoke", "sigillo-claim@1", "--reason", "superseded", **home).stdout
        assert revoked["since"] in shown, "what counts, not what was asked for now"
        assert "time-stamp" in shown
        assert "bao" not in shown, "Vault knows nothing of it"
        assert "what now     sigillo keys rotate" in shown
        done = run("sign", str(photo), **home)
        assert done.exit_code == 7
        assert "sigillo keys rotate" in " ".join(done.output.split())
    status = run("keys", "status", **home)
    assert status.exit_code == 7
    assert "ES256, revoked" in status.stdout
    assert "sigillo keys rotate" in status.stdout
    assert "ready" not in status.stdout
    assert run("keys", "rotate", **home).exit_code == 0
    states = [version["state"] for version in ask("keys", "status", **home)["versions"]]
    assert states == ["revoked", "current"]


def test_each_issuer_is_told_in_its_own_way() -> None:
    told = {issuer: " ".join(_issuers_part(issuer, "5f9")) for issuer in (VAULT_ISSUER, INTERMEDIATE_NAME, "Acme CA")}
    assert "serial_number=05:f9" in told[VAULT_ISSUER]
    assert told[INTERMEDIATE_NAME] == ""
    assert told["Acme CA"].startswith("Ask Acme CA")


def test_a_reason_has_its_name(run: Run) -> None:
    assert run("keys", "revoke", "sigillo-claim@1", "--reason", "boredom").exit_code == 2
    assert run("keys", "revoke", "sigillo-claim@9", "--reason", "superseded").exit_code == 1
