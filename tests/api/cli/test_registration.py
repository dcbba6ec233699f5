from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cases.acts import Act, Asked
from cases.assurance import actor
from identity.assurance.evidence import Found
from identity.assurance.tier import EvidenceKind
from ledger.ids import SubjectId
from sigillo_client.answers import Registered
from tests.api.cli.conftest import Run
from tests.deployment import Running
from tests.detection.faces.photos import PORTRAIT_FILE
from tests.detection.generations.index_world import IndexWorld
from tests.ledger.world import HeldClock

NOBODY = SubjectId("reg_" + "a" * 26)


@dataclass(frozen=True)
class Left:
    stays: SubjectId
    gone: SubjectId


@pytest.fixture
def left(deployment: Running) -> Iterator[Left]:
    """Of two that were in an index, one that left; housekeeping makes the generation. Nobody is in it afterwards: their
    templates are none, which the deployment rightly says of its index for as long as one is there.
    """
    world = IndexWorld(deployment.service.housekeeping.database, deployment.service.ledger, HeldClock())
    tenant = world.index()
    found = Left(*world.join(tenant, 2))
    world.leave(tenant, found.gone)
    yield found
    world.leave(tenant, found.stays)


def test_a_proof_is_fetched_and_checked_without_a_server(
    deployment: Running, run: Run, left: Left, tmp_path: Path
) -> None:
    proof, key = tmp_path / "it.json", tmp_path / "log.vkey"
    key.write_text(deployment.operator.log_key())
    fetched = run("registration", "absence", left.gone, "-o", proof)
    assert fetched.exit_code == 0, fetched.output
    checked = run("registration", "check-proof", proof, "--vkey", key)
    assert checked.exit_code == 0, checked.output
    assert "whether every copy is deleted" in checked.output
    found = json.loads(run("registration", "check-proof", proof, "--key", key, "--json").output)
    assert (found["absent"], found["registration"], found["size"]) == (True, left.gone, 1)
    proof.write_text(proof.read_text().replace(left.gone, left.stays))
    refused = run("registration", "check-proof", proof, "--key", key)
    assert refused.exit_code == 5
    assert "not proved" in refused.output
    assert json.loads(run("registration", "check-proof", proof, "--key", key, "--json").output)["absent"] is False


def test_there_is_none_of_whoever_did_not_leave(run: Run) -> None:
    refused = run("registration", "absence", NOBODY, "--wait", "0")
    assert refused.exit_code == 1
    assert "no such proof" in refused.output


@pytest.fixture
def mine(deployment: Running) -> Registered:
    """A registration in the operator's tenant."""
    by = actor(deployment.service.deployment.operator())
    assurance = deployment.service.assurance
    account = assurance.accounts.named(by, f"cli-{id(by)}")
    found = Found(EvidenceKind.LOGIN, "test", "")
    assurance.grants.grant(by, assurance.accounts.subject(by.tenant, account), found)
    rules = deployment.operator.registration_rules("FR", "en")
    consent = {"language": "en", "sha256": rules["consent"]["sha256"]}
    body = {"account": account, "region": "FR", "right": "parent", "stated": "mother", "consent": consent}
    return deployment.operator.register([PORTRAIT_FILE], body, "")


def test_it_is_renewed_asked_for_kept_and_withdrawn(run: Run, mine: Registered) -> None:
    name = mine["id"]
    refused = run("registration", "renew", name, "--agreed", "0" * 64)
    assert refused.exit_code == 1
    renewed = run("registration", "renew", name, typed="y\n")
    assert renewed.exit_code == 0, renewed.output
    assert "lasts until" in renewed.output
    assert run("registration", "keep", name).exit_code == 1
    asked = run(
        "registration", "withdraw", name, "--recovery-code", typed="y\n" + mine["recovery_code"]["words"] + "\n"
    )
    assert asked.exit_code == 0, asked.output
    assert "registration keep" in asked.output
    kept = run("registration", "keep", name)
    assert kept.exit_code == 0, kept.output
    left = run("registration", "withdraw", name, typed="n\n")
    assert (left.exit_code, "what stays:" in left.output) == (1, True), left.output
    assert run("registration", "withdraw", name, "--json").exit_code == 2
    done = run("registration", "withdraw", name, typed="y\n")
    assert done.exit_code == 0, done.output
    assert "has ended" in done.output
    assert run("registration", "withdraw", name, "--yes").exit_code == 1


def test_whoever_has_the_wallet_acts_by_the_credential_alone(
    deployment: Running, run: Run, mine: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is signed is reckoned here, and for who issued the credential."""
    service = deployment.service
    (hold,) = [one for one in deployment.operator.registration_holds() if one["registration"] == mine["id"]]
    service.registry.registrations.release(service.deployment.operator(), hold["id"], "her mother")
    name, wallet = mine["id"], tmp_path / "wallet"
    bound = run("registration", "credential", name, "--bind", "--wallet", wallet, "-o", tmp_path)
    assert bound.exit_code == 0, bound.output
    (credential,) = tmp_path.glob("*.sd-jwt")
    by = ("--credential", credential, "--wallet", wallet)
    shown = run("likeness", "log", name, *by)
    assert shown.exit_code == 0, shown.output
    renewed = run("registration", "renew", name, *by, typed="y\n")
    assert renewed.exit_code == 0, renewed.output
    assert run("registration", "keep", name, *by).exit_code == 1
    assert run("registration", "withdraw", name, *by, "--recovery-code").exit_code == 2
    thief = run("registration", "withdraw", name, *by[:2], "--wallet", tmp_path / "empty", "--yes")
    assert "not in this wallet" in thief.output
    real = service.registry.acts.begin
    for lie in ({"random": bytes(32)}, {"audience": "https://phisher.example"}):
        with monkeypatch.context() as lying:
            lying.setattr(type(service.registry.acts), "begin", _lying(real, lie))
            refused = run("registration", "withdraw", name, *by, "--yes")
        assert refused.exit_code == 1
        assert "nothing was signed" in refused.output
    done = run("registration", "withdraw", name, *by, "--yes")
    assert done.exit_code == 0, done.output
    assert "has ended" in done.output


def _lying(begin: Callable[[Act], Asked], lie: dict[str, Any]) -> Callable[[object, Act], Asked]:
    return lambda _acts, act: replace(begin(act), **lie)
