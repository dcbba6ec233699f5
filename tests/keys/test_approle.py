from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from keys.approle import AUTH_MOUNT, SECRET_ID_PATH, AppRole
from keys.certificates import LEAF_DAYS
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, KeyStoreRefusedError, WrappingTokenError
from keys.observer import Credential
from keys.vault import Vault
from tests.keys.conftest import Role, Watched


@pytest.fixture
def stranger(role: Role) -> Vault:
    """Without a token."""
    return Vault(role.openbao.url)


def works(role: Role, token: str) -> bool:
    answer = Vault(role.openbao.url, token).read("auth/token/lookup-self")
    assert answer is not None
    return bool(answer["data"]["policies"] == ["sigillo-service"])


def test_a_wrapped_secret_id_logs_in_and_is_kept_to_ourselves(role: Role, stranger: Vault, watched: Watched) -> None:
    token = role.wrapped()
    grant = role.identity(token, observer=watched).login(stranger)
    assert works(role, grant.token)
    assert grant.life == timedelta(hours=1)
    kept = role.folder / "home" / "secret-id"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert token not in kept.read_text()
    ends = watched.ended[Credential.SECRET_ID]
    assert ends is not None
    assert abs(ends - datetime.now(UTC) - timedelta(days=LEAF_DAYS)) < timedelta(hours=1)


def test_a_restart_needs_no_new_one(role: Role, stranger: Vault) -> None:
    token = role.wrapped()
    first = role.identity(token).login(stranger)
    for given in (token, ""):
        again = role.identity(given).login(stranger)
        assert again.token != first.token
        assert works(role, again.token)


def test_another_wrapping_token_brings_another_secret_id(role: Role, stranger: Vault) -> None:
    kept = role.folder / "home" / "secret-id"
    role.identity(role.wrapped()).login(stranger)
    before = json.loads(kept.read_text())["secret_id"]
    assert works(role, role.identity(role.wrapped()).login(stranger).token)
    assert json.loads(kept.read_text())["secret_id"] != before


def test_one_that_somebody_else_unwrapped_is_an_alarm(role: Role, stranger: Vault) -> None:
    role.identity(role.wrapped()).login(stranger)
    stolen = role.wrapped()
    stranger.speaking_as(stolen).write("sys/wrapping/unwrap", {})
    with pytest.raises(WrappingTokenError, match=r"ALARM.*somebody else") as caught:
        role.identity(stolen).login(stranger)
    assert stolen not in str(caught.value)


@pytest.fixture
def other_role(role: Role) -> Iterator[str]:
    """Another role at the same place."""
    path = f"{AUTH_MOUNT}/role/other"
    role.openbao.vault().write(path, {"token_policies": ["default"]})
    yield path
    role.openbao.vault()._client.delete(path)


def test_a_forged_one_is_refused_and_not_unwrapped(role: Role, stranger: Vault, other_role: str) -> None:
    root = role.openbao.vault()
    for path, data in (
        ("sys/wrapping/wrap", {"secret_id": "x", "secret_id_ttl": 0}),
        (f"{other_role}/secret-id", {}),
        (f"{AUTH_MOUNT}/role/../role/other/secret-id", {}),
    ):
        forged = root._client.adapter.request("post", f"/v1/{path}", json=data, wrap_ttl="60s")["wrap_info"]["token"]
        with pytest.raises(WrappingTokenError, match="forged"):
            role.identity(forged).login(stranger)
        assert stranger.speaking_as(forged).write("sys/wrapping/unwrap", {})["data"]
    assert not (role.folder / "home" / "secret-id").exists()


def test_nonsense_is_an_alarm_too(role: Role, stranger: Vault) -> None:
    for token in ("s.nonsense", role.openbao.root_token):
        with pytest.raises(WrappingTokenError):
            role.identity(token).login(stranger)


def test_a_used_up_one_is_told_and_its_successor_taken_without_a_restart(role: Role, stranger: Vault) -> None:
    offered = [role.wrapped(num_uses=1)]
    identity = AppRole(role.role_id, lambda: offered[-1], role.folder / "secret-id")
    identity.login(stranger)
    with pytest.raises(KeyStoreForbiddenError, match="used up") as caught:
        identity.login(stranger)
    assert json.loads((role.folder / "secret-id").read_text())["secret_id"] not in str(caught.value)
    offered.append(role.wrapped())
    assert works(role, identity.login(stranger).token)


def test_the_accessor_destroys_a_stolen_one(role: Role, stranger: Vault) -> None:
    wrapped = role.openbao.vault().wrap(SECRET_ID_PATH, {}, 60)
    identity = role.identity(wrapped.token)
    identity.login(stranger)
    role.openbao.vault().write(f"{SECRET_ID_PATH}-accessor/destroy", {"secret_id_accessor": wrapped.accessor})
    with pytest.raises(KeyStoreForbiddenError, match="destroyed"):
        identity.login(stranger)


def test_nothing_given_and_nothing_kept_is_told(role: Role, stranger: Vault) -> None:
    with pytest.raises(KeyStoreForbiddenError, match="run the bootstrap"):
        role.identity("").login(stranger)


def test_a_kept_file_that_others_read_or_changed_is_refused(role: Role, stranger: Vault) -> None:
    identity, kept = role.identity(role.wrapped()), role.folder / "home" / "secret-id"
    identity.login(stranger)
    secret = json.loads(kept.read_text())["secret_id"]
    kept.chmod(0o640)
    with pytest.raises(KeyStoreForbiddenError, match="chmod 600"):
        identity.login(stranger)
    kept.chmod(0o600)
    kept.write_text(json.dumps({"secret_id": secret}))
    with pytest.raises(KeyStoreForbiddenError, match="not as it was written") as caught:
        identity.login(stranger)
    assert secret not in str(caught.value)
    assert secret not in str(caught.value.__cause__)


def test_an_outage_leaves_the_wrapping_token_whole(role: Role, stranger: Vault) -> None:
    identity = role.identity(role.wrapped())
    with pytest.raises(KeyStoreDownError):
        identity.login(Vault("http://127.0.0.1:1"))
    assert works(role, identity.login(stranger).token)


def test_two_processes_given_the_same_one_both_log_in(role: Role, stranger: Vault) -> None:
    token = role.wrapped()
    with ThreadPoolExecutor(8) as pool:
        grants = list(pool.map(lambda _: role.identity(token).login(stranger), range(8)))
    assert all(works(role, grant.token) for grant in grants)


def test_a_stranger_who_knows_the_role_id_cannot_lock_us_out(role: Role, stranger: Vault) -> None:
    for _ in range(7):
        with pytest.raises(KeyStoreRefusedError):
            stranger.write(f"{AUTH_MOUNT}/login", {"role_id": role.role_id, "secret_id": "guess"})
    assert works(role, role.identity(role.wrapped()).login(stranger).token)


def test_the_service_cannot_make_secret_ids_or_tokens(role: Role, stranger: Vault) -> None:
    service = stranger.speaking_as(role.identity(role.wrapped()).login(stranger).token)
    for path in (SECRET_ID_PATH, f"{AUTH_MOUNT}/role/sigillo-service", "auth/token/create"):
        with pytest.raises(KeyStoreForbiddenError):
            service.write(path, {})
