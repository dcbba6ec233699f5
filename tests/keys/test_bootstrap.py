from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keys.approle import AUTH_MOUNT, ROLE, SECRET_ID_PATH, AppRole
from keys.bootstrap import SERVICE, TOKEN_PERIOD_SECONDS, bootstrap, service_policy
from keys.certificates import LEAF_DAYS
from keys.errors import KeyStoreForbiddenError
from keys.openbao import OpenBao
from keys.signer import Purpose
from keys.steady_vault import SteadyVault
from keys.vault import Vault
from keys.vault_login import PlainToken
from keys.vault_store import VaultKeyStore
from tests.keys.conftest import MovingClock

DEPLOY = Path(__file__).parents[2] / "deploy" / "vault"


@pytest.fixture(scope="module")
def fresh_openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server of this module's own: one that nobody has set up."""
    with OpenBao(tmp_path_factory.mktemp("fresh")) as server:
        yield server


def test_its_own_policy_is_enough(fresh_openbao: OpenBao, tmp_path: Path) -> None:
    root = fresh_openbao.vault()
    policy = (DEPLOY / "sigillo-bootstrap.hcl").read_text(encoding="utf-8")
    root.write("sys/policies/acl/sigillo-bootstrap", {"policy": policy})
    operator = root.write("auth/token/create", {"policies": ["sigillo-bootstrap"]})["auth"]["client_token"]
    first = bootstrap(Vault(fresh_openbao.url, operator))
    assert first.made
    second = bootstrap(Vault(fresh_openbao.url, operator))
    assert second.made == ()
    service = AppRole(second.role_id, lambda: second.secret_id.token, tmp_path / "secret-id")
    store = VaultKeyStore(SteadyVault(fresh_openbao.url, service))
    assert store.status().ready
    with pytest.raises(KeyStoreForbiddenError):
        VaultKeyStore(Vault(fresh_openbao.url, operator)).signer(Purpose.CLAIM).sign(b"an operator's claim")
    with pytest.raises(KeyStoreForbiddenError):
        Vault(fresh_openbao.url, operator).write(SECRET_ID_PATH, {})  # not wrapped: it would be read unnoticed
    plain = bootstrap(Vault(fresh_openbao.url, operator), plain_token=True).service_token
    assert VaultKeyStore(SteadyVault(fresh_openbao.url, PlainToken(plain))).status().ready


def test_a_second_run_keeps_keys_certificates_and_epochs(openbao: OpenBao, tenant: str) -> None:
    before = VaultKeyStore(Vault(openbao.url, openbao.bootstrap().service_token))
    before.advance_epoch(tenant)
    epoch = before.open_epoch(tenant)
    report = openbao.bootstrap()
    after = VaultKeyStore(Vault(openbao.url, report.service_token))
    assert report.made == ()
    assert report.claim == before.signer(Purpose.CLAIM).ref
    assert after.anchors() == before.anchors()
    assert after.open_epoch(tenant, epoch.wrapped) == epoch
    for purpose in Purpose:
        old, new = before.signer(purpose), after.signer(purpose)
        assert (old.ref, old.public_key, old.chain) == (new.ref, new.public_key, new.chain)


def test_an_ended_certificate_is_issued_anew_for_the_same_key(openbao: OpenBao, clock: MovingClock) -> None:
    openbao.bootstrap()
    before = VaultKeyStore(openbao.vault()).signer(Purpose.CLAIM)
    clock.move(timedelta(days=LEAF_DAYS + 1))
    report = bootstrap(openbao.vault(), clock)
    after = VaultKeyStore(openbao.vault()).signer(Purpose.CLAIM)
    assert any(path.endswith("set-certificate") for path in report.made)
    assert (after.ref, after.public_key) == (before.ref, before.public_key)
    assert after.chain != before.chain


def test_a_changed_policy_is_put_back(openbao: OpenBao) -> None:
    openbao.vault().write(f"sys/policies/acl/{SERVICE}", {"policy": 'path "x" { capabilities = ["read"] }'})
    assert openbao.bootstrap().made == (f"sys/policies/acl/{SERVICE}",)


def test_the_service_token_has_one_policy_and_outlives_the_operators(openbao: OpenBao) -> None:
    token = openbao.bootstrap().service_token
    data = openbao.vault().write("auth/token/lookup", {"token": token})["data"]
    assert data["policies"] == [SERVICE]
    assert data["orphan"]
    assert 0 < data["ttl"] <= TOKEN_PERIOD_SECONDS


def test_the_token_does_not_print(openbao: OpenBao) -> None:
    report = openbao.bootstrap()
    for secret in (report.service_token, report.secret_id.token):
        assert secret
        assert secret not in repr(report)


def test_no_plain_token_is_made_unless_asked_for(openbao: OpenBao) -> None:
    assert bootstrap(openbao.vault()).service_token == ""


def test_the_role_is_put_back_and_what_it_does_not_name_is_kept(openbao: OpenBao) -> None:
    role = f"{AUTH_MOUNT}/role/{ROLE}"
    openbao.bootstrap()
    openbao.vault().write(role, {"token_policies": ["root"], "token_bound_cidrs": ["127.0.0.1/32"]})
    assert openbao.bootstrap().made == (role,)
    standing = (openbao.vault().read(role) or {})["data"]
    assert (standing["token_policies"], standing["token_bound_cidrs"]) == ([SERVICE], ["127.0.0.1"])
    openbao.vault().write(role, {"token_bound_cidrs": []})


def test_the_policy_installed_is_the_one_to_read() -> None:
    assert service_policy() == (DEPLOY / f"{SERVICE}.hcl").read_text(encoding="utf-8")
