"""The issuer's keys, the same on both stores; then what is different in each."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from keys.clock import system_entropy
from keys.errors import KeyNotFoundError, KeyStoreForbiddenError, KeyStoreRefusedError, RetirementRefusedError
from keys.issuer_keys import BLS_LABEL, PURPOSES, IssuerKey, IssuerState, current, find, retire, rotate, state
from keys.keyring import Keyring
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.sealed_file import SealedFile
from keys.signer import KeyRef, Purpose
from keys.vault import Vault
from keys.vault_issuers import SETTLING_TIME, VaultIssuerKeys
from keys.vault_store import VaultKeyStore
from keys.vault_versions import SIGNING_MOUNT
from tests.keys.conftest import MovingClock, StoreUnderTest
from tests.keys.test_key_store import verify

DEPLOY = Path(__file__).parents[2] / "deploy" / "vault"
SIGNING = {key: purpose for purpose, key in PURPOSES.items()}

each = pytest.mark.parametrize("key", IssuerKey)


def rotated(under_test: StoreUnderTest, key: IssuerKey) -> KeyRef:
    made = rotate(under_test.issuers, key).ref
    under_test.noticed()
    return made


def use(under_test: StoreUnderTest, key: IssuerKey, version: int | None = None) -> object:
    """Sign with it, or open it; what it did so with."""
    if key is IssuerKey.BLS:
        found = current(under_test.store.issuer_versions(), key).ref.version if version is None else version
        return under_test.store.bls_material(found)
    signer = under_test.store.signer(SIGNING[key], version)
    verify(signer, signer.sign(b"credential"), b"credential")
    return signer.public_key


@each
def test_a_rotated_key_is_current_and_the_one_before_still_there(under_test: StoreUnderTest, key: IssuerKey) -> None:
    before = current(under_test.store.issuer_versions(), key)
    was = use(under_test, key)
    made = rotated(under_test, key)
    versions = under_test.store.issuer_versions()
    assert made == KeyRef(str(key), before.ref.version + 1) == current(versions, key).ref
    assert state(find(versions, before.ref), versions) is IssuerState.SUPERSEDED
    assert use(under_test, key) != was == use(under_test, key, before.ref.version)
    assert find(versions, before.ref).public_key == before.public_key


@each
def test_a_retired_version_is_of_no_use_to_anyone(under_test: StoreUnderTest, key: IssuerKey) -> None:
    old = current(under_test.store.issuer_versions(), key).ref
    new = rotated(under_test, key)
    under_test.clock.move(SETTLING_TIME)
    assert old in [ended.ref for ended in retire(under_test.issuers, old)]
    assert retire(under_test.issuers, old) == ()
    under_test.noticed()
    with pytest.raises(KeyNotFoundError, match="retired"):
        use(under_test, key, old.version)
    use(under_test, key, new.version)
    assert {one.key: one.state for one in under_test.store.status().issuer}[str(old)] == "retired"


@each
def test_the_version_that_signs_is_not_retired(under_test: StoreUnderTest, key: IssuerKey) -> None:
    signs = current(under_test.store.issuer_versions(), key).ref
    with pytest.raises(RetirementRefusedError, match="rotate"):
        retire(under_test.issuers, signs)
    with pytest.raises(KeyNotFoundError):
        retire(under_test.issuers, KeyRef(str(key), 10_000))


@pytest.mark.parametrize("version", [0, -1, 10_000])
def test_an_unknown_version_opens_nothing(under_test: StoreUnderTest, version: int) -> None:
    with pytest.raises(KeyNotFoundError):
        under_test.store.bls_material(version)


def test_what_the_bls_key_is_made_of_is_32_bytes(under_test: StoreUnderTest) -> None:
    newest = current(under_test.store.issuer_versions(), IssuerKey.BLS).ref.version
    assert len(under_test.store.bls_material(newest)) == 32


def test_status_says_which_versions_sign(under_test: StoreUnderTest) -> None:
    told = under_test.store.status()
    assert {one.key for one in told.issuer if one.state == "current"} == {
        str(current(under_test.store.issuer_versions(), key).ref) for key in IssuerKey
    }
    assert "credentials" not in told.warning


def test_an_embedded_version_that_is_retired_leaves_nothing(local_store: LocalKeyStore) -> None:
    keyring = local_store._held.keyring
    secrets = [keyring.bls[0], keyring.signing[Purpose.ISSUER_P256][0].private]
    for key in (IssuerKey.BLS, IssuerKey.P256):
        rotate(local_store.issuers, key)
        retire(local_store.issuers, KeyRef(str(key), 1))
    kept = local_store._held.keyring.encode().decode()
    assert all(secrets)
    assert not any(secret in kept for secret in secrets)


def test_an_older_embedded_store_gets_the_keys_it_lacks_and_keeps_those_it_has(
    tmp_path: Path, clock: MovingClock
) -> None:
    whole = Keyring.first(clock())
    signing = {purpose: whole.signing[purpose] for purpose in (Purpose.CLAIM, Purpose.LOG)}
    old = whole.model_copy(update={"signing": signing, "bls": ()})
    SealedFile(tmp_path / "keys", None, system_entropy, old.encode)
    store = LocalKeyStore.open(tmp_path / "keys", embedded_profile=True, clock=clock)
    versions = store.issuer_versions()
    assert [version.ref for version in versions] == [KeyRef(str(key), 1) for key in IssuerKey]
    assert store.signer(Purpose.CLAIM).chain == signing[Purpose.CLAIM][0].chain
    again = LocalKeyStore.open(tmp_path / "keys", embedded_profile=True, clock=clock)
    assert again.issuer_versions() == versions
    assert again.bls_material(1) == store.bls_material(1)


def test_vault_keeps_all_three_to_itself(openbao: OpenBao, vault_store: VaultKeyStore) -> None:
    for key in IssuerKey:
        standing = (openbao.vault().read(f"{SIGNING_MOUNT}/keys/{key}") or {})["data"]
        assert not standing["exportable"]
        assert not standing["allow_plaintext_backup"]
    assert vault_store.status().warning == ""


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("hmac/sigillo-issuer-bls/sha2-256", {"input": b64encode(b"another label").decode()}),
        ("hmac/sigillo-issuer-bls/sha2-512", {"input": b64encode(BLS_LABEL).decode()}),
        ("hmac/sigillo-issuer-bls", {"input": b64encode(BLS_LABEL).decode()}),
        ("hmac/sigillo-issuer-p256/sha2-256", {"input": b64encode(BLS_LABEL).decode()}),
        ("encrypt/sigillo-issuer-bls", {"plaintext": ""}),
        ("sign/sigillo-issuer-p256", {"input": ""}),
        ("keys/sigillo-issuer-bls/rotate", {}),
        ("keys/sigillo-issuer-p256/config", {"min_encryption_version": 1}),
        ("keys/sigillo-issuer-ed25519/config", {"exportable": True}),
    ],
)
def test_the_services_token_may_do_nothing_else_with_them(
    openbao: OpenBao, service_token: str, path: str, data: dict[str, object]
) -> None:
    with pytest.raises(KeyStoreForbiddenError):
        Vault(openbao.url, service_token).write(f"{SIGNING_MOUNT}/{path}", data)


def test_an_operators_policy_is_enough_and_gives_no_key_away(openbao: OpenBao, clock: MovingClock) -> None:
    root = openbao.vault()
    root.write("sys/policies/acl/sigillo-operator", {"policy": (DEPLOY / "sigillo-operator.hcl").read_text()})
    token = root.write("auth/token/create", {"policies": ["sigillo-operator"]})["auth"]["client_token"]
    operator = Vault(openbao.url, token)
    keys = VaultIssuerKeys(operator, clock)
    for key in IssuerKey:
        old = current(keys.versions(), key).ref
        rotate(keys, key)
        clock.move(SETTLING_TIME + timedelta(seconds=2))
        assert old in [ended.ref for ended in retire(keys, old)]
        with pytest.raises(KeyStoreForbiddenError):
            operator.write(f"{SIGNING_MOUNT}/keys/{key}/config", {"exportable": True})
    for path in ("sign/sigillo-issuer-ed25519", "hmac/sigillo-issuer-bls/sha2-256"):
        with pytest.raises(KeyStoreForbiddenError):
            operator.write(f"{SIGNING_MOUNT}/{path}", {"input": b64encode(BLS_LABEL).decode()})


@each
def test_vault_refuses_a_retired_version_even_to_a_service_that_has_not_noticed(
    openbao: OpenBao, service_token: str, clock: MovingClock, key: IssuerKey
) -> None:
    keys, service = VaultIssuerKeys(openbao.vault(), clock), VaultKeyStore(Vault(openbao.url, service_token), clock)
    old = current(service.issuer_versions(), key).ref
    rotate(keys, key)
    clock.move(SETTLING_TIME + timedelta(seconds=2))
    held = None if key is IssuerKey.BLS else service.signer(SIGNING[key], old.version)
    service.issuer_versions()
    retire(keys, old)
    with pytest.raises(KeyStoreRefusedError):
        service.bls_material(old.version) if held is None else held.sign(b"credential")


def test_vault_keeps_a_version_until_services_know_the_next(openbao: OpenBao, clock: MovingClock) -> None:
    keys = VaultIssuerKeys(openbao.vault(), clock)
    old = current(keys.versions(), IssuerKey.BLS).ref
    rotate(keys, IssuerKey.BLS)
    with pytest.raises(RetirementRefusedError, match="try again after"):
        retire(keys, old)


def test_a_vault_that_was_set_up_before_says_what_to_do(openbao: OpenBao, vault_store: VaultKeyStore) -> None:
    root = openbao.vault()
    path = f"{SIGNING_MOUNT}/keys/{IssuerKey.BLS}"
    kept = root.read(path)
    assert kept is not None
    root.write(f"{path}/config", {"deletion_allowed": True})
    root.send("delete", path)
    told = vault_store.status()
    assert told.ready
    assert "bootstrap" in told.warning
    with pytest.raises(KeyNotFoundError, match="bootstrap"):
        current(vault_store.issuer_versions(), IssuerKey.BLS)
    assert openbao.bootstrap().made == (path,)
    assert vault_store.status().warning == ""
