"""The commands that an operator turns the claim key with, beside a service that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from keys.openbao import OpenBao
from keys.rotation import rotate
from keys.vault_claims import VaultClaimKeys
from tests.api.fixtures import logging_put_back
from tests.api.wire import signed, upload
from tests.commands import app
from tests.databases import settings_of
from tests.deployment import Running, running
from tests.simulators.outside_ca import OutsideCA

Run = Callable[..., Result]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "home") as deployment:
        yield deployment


@pytest.fixture
def keys(up: Running) -> Run:
    """`sigillo keys`, beside a deployment of the test's own."""

    def invoke(*arguments: object, **environment: str) -> Result:
        home = up.home.folder
        surroundings = {"SIGILLO_HOME": str(home), "SIGILLO_SERVER": "", **settings_of(home), **environment}
        with logging_put_back():
            return CliRunner().invoke(app, ["keys", *map(str, arguments)], env=surroundings)

    return invoke


@pytest.fixture
def ask_keys(keys: Run) -> Callable[..., Any]:
    """The same with `--json`: what it printed."""

    def invoke(*arguments: object, **environment: str) -> Any:
        done = keys(*arguments, "--json", **environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return invoke


def signs_with(up: Running) -> tuple[str, bytes]:
    """The key that signs an upload now, and the file."""
    with up.http(up.key()) as http:
        asset, file = signed(http)
    caller = up.service.deployment.operator()
    opened = up.service.ledger.payloads.open(caller.tenant, asset["ledger"]["entry"])
    return opened.payload.key, file


def verdict(up: Running, file: bytes) -> str:
    with up.http() as anyone:
        return str(upload(anyone, file, path="/v1/verifications").json()["verdict"])


def test_the_whole_life_beside_a_running_service(
    up: Running, keys: Run, ask_keys: Callable[..., Any], tmp_path: Path
) -> None:
    ca, files = OutsideCA(datetime.now(UTC)), [signs_with(up)]
    made = ask_keys("rotate", "--algorithm", "ed25519")
    assert (made["key"], made["algorithm"], made["state"]) == ("sigillo-claim@2", "EdDSA", "current")
    files.append(signs_with(up))
    assert ask_keys("rotate", "--algorithm", "es256", "--outside-ca")["state"] == "waiting"
    files.append(signs_with(up))
    asked = ask_keys("csr", "--subject", "CN=Acme")
    assert asked["key"] == "sigillo-claim@3"
    chain, root = tmp_path / "chain.pem", tmp_path / "root.pem"
    chain.write_text(ca.issue(asked["csr"]))
    root.write_text(ca.root)
    assert keys("install-chain", chain).exit_code == 1
    assert ask_keys("install-chain", chain, "--root", root)["state"] == "current"
    files.append(signs_with(up))
    assert [key for key, _ in files] == [f"sigillo-claim@{version}" for version in (1, 2, 2, 3)]
    assert ask_keys("retire", "sigillo-claim@2")["retired"] == ["sigillo-claim@1", "sigillo-claim@2"]
    assert [verdict(up, file) for _, file in files] == ["trusted"] * 4
    assert ca.root in up.operator.anchors()
    states = [version["state"] for version in ask_keys("status")["versions"]]
    assert states == ["retired", "retired", "current"]


def test_people_are_told_what_comes_next(keys: Run, tmp_path: Path) -> None:
    assert "half a minute" in keys("rotate").stdout
    shown = keys("rotate", "--outside-ca").stdout
    assert "sigillo-claim@3" in shown
    assert "certificate  none yet" in shown
    assert "sigillo keys csr" in shown
    shown = keys("csr").stdout
    assert shown.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    ca = OutsideCA(datetime.now(UTC))
    (tmp_path / "chain.pem").write_text(ca.issue(shown) + ca.root)
    assert "trust anchors" in keys("install-chain", tmp_path / "chain.pem").stdout
    assert "sigillo-claim@2" in keys("retire", "sigillo-claim@2").stdout
    assert "already" in keys("retire", "sigillo-claim@2").stdout
    shown = keys("status").stdout
    assert "retired" in shown
    assert "current, certificate until" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("retire", "sigillo-claim@1"), 1, "rotate"),
        (("retire", "sigillo-claim@9"), 1, "keys status"),
        (("retire", "one"), 2, "sigillo-claim@2"),
        (("csr",), 1, "with --key"),
        (("csr", "--subject", "nonsense"), 2, "signer'\n"),
        (("retire", "sigillo-claims@1"), 1, "keys status"),
        (("csr", "--key", "x@y"), 2, "keys status"),
        (("install-chain", "/nowhere"), 2, ""),
    ],
)
def test_refusals_say_what_to_do(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run("keys", *arguments)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_wrong_chain_is_refused_in_words(keys: Run, tmp_path: Path) -> None:
    assert keys("rotate", "--outside-ca").exit_code == 0
    csr, ca = keys("csr").stdout, OutsideCA(datetime.now(UTC))
    file = tmp_path / "chain.pem"
    for text, said in (
        ("junk", "not PEM"),
        (ca.issue(csr), "--root"),
        (ca.intermediates + ca.leaf(csr, ca.wish()), "wrong order"),
    ):
        file.write_text(text)
        done = keys("install-chain", file, "--json")
        assert done.exit_code == 1
        assert said in json.loads(done.stdout)["problem"]["detail"]


def test_vault_wants_an_operators_token(run: Run, ask: Callable[..., Any], openbao: OpenBao) -> None:
    made = openbao.bootstrap()
    vault = {"SIGILLO_KEYS": "vault", "SIGILLO_VAULT_URL": openbao.url}
    refused = run("keys", "rotate", **vault, SIGILLO_VAULT_ROLE_ID=made.role_id, SIGILLO_VAULT_TOKEN="")
    assert (refused.exit_code, "sigillo-operator.hcl" in refused.stderr) == (2, True)
    forbidden = run("keys", "rotate", **vault, SIGILLO_VAULT_TOKEN=made.service_token)
    assert forbidden.exit_code == 7
    assert made.service_token not in forbidden.output
    before = VaultClaimKeys(openbao.vault()).versions()
    rotated = ask("keys", "rotate", "--url", openbao.url, SIGILLO_VAULT_TOKEN=openbao.root_token)
    assert rotated["state"] == "current"
    assert len(VaultClaimKeys(openbao.vault()).versions()) == len(before) + 1
    early = run("keys", "retire", str(before[-1].ref), "--url", openbao.url, SIGILLO_VAULT_TOKEN=openbao.root_token)
    assert early.exit_code == 1
    assert "try again after" in early.stderr


def test_bootstrap_leaves_the_claim_key_to_an_outside_ca(
    run: Run, ask: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with OpenBao(tmp_path_factory.mktemp("outside")) as bao:
        vault = {"SIGILLO_VAULT_URL": bao.url, "SIGILLO_VAULT_TOKEN": bao.root_token}
        made = ask("keys", "bootstrap-vault", "--outside-ca", "--algorithm", "ed25519", **vault)
        assert (made["claim"], made["claim_waits"]) == ("sigillo-claim-ed25519@1", True)
        assert "waits for an outside CA" in run("keys", "bootstrap-vault", **vault).stdout
        ca = OutsideCA(datetime.now(UTC))
        (tmp_path / "chain.pem").write_text(ca.issue(ask("keys", "csr", **vault)["csr"]) + ca.root)
        assert ask("keys", "install-chain", tmp_path / "chain.pem", **vault)["state"] == "current"
        assert rotate(VaultClaimKeys(bao.vault())).chain == ""


@pytest.mark.parametrize("key", ["ed25519", "p256", "bls"])
def test_the_issuers_keys_turn_likewise(ask_keys: Callable[..., Any], keys: Run, key: str) -> None:
    name = f"sigillo-issuer-{key}"
    assert keys("retire", f"{name}@1").exit_code == 1
    assert ask_keys("rotate", "--issuer", key) == {"key": f"{name}@2", "state": "current"}
    assert ask_keys("retire", f"{name}@1")["retired"] == [f"{name}@1"]
    states = {one["key"]: one["state"] for one in ask_keys("status")["issuer"]}
    assert (states[f"{name}@1"], states[f"{name}@2"]) == ("retired", "current")
    assert f"issuer key   {name}@2   (current)" in keys("status").stdout
    assert keys("rotate", "--issuer", key, "--outside-ca").exit_code == 2


def test_a_key_of_the_issuers_is_revoked_through_the_service(
    ask_keys: Callable[..., Any], keys: Run, up: Running
) -> None:
    signing = up.service.issuance.record.newest().signing
    told = ask_keys("revoke", signing[1], "--reason", "keyCompromise")
    assert told["key"] == str(signing[1])
    assert told["revoked"]
    states = {one["key"]: one["state"] for one in ask_keys("status")["issuer"]}
    assert [key for key, state in states.items() if state == "revoked"] == [str(signing[1])]
    assert "rotate --issuer" in keys("revoke", signing[1], "--reason", "keyCompromise").stdout
    assert keys("revoke", signing[1], "--reason", "superseded", "--since", "2026-03-01T00:00:00Z").exit_code == 2
    assert keys("revoke", "sigillo-issuer-p256@9", "--reason", "superseded").exit_code == 1
    for name in ("sigillo-issuer-p256", "p256", "bls"):
        whole = keys("revoke", name, "--reason", "superseded")
        assert whole.exit_code == 2
        assert "@1" in whole.stderr
        assert "rotate --issuer" in whole.stderr
