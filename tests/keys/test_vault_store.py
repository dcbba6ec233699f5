"""What only the store in Vault can do or suffer. What it shares with the other: test_key_store.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import ANY

import hvac
import pytest
from hvac.exceptions import Forbidden

from keys.errors import (
    EpochDestroyedError,
    KeyNotFoundError,
    KeyStoreDownError,
    KeyStoreForbiddenError,
    KeyStoreRefusedError,
    KeyStoreSealedError,
    KeyStoreUnavailableError,
)
from keys.openbao import OpenBao
from keys.signer import KeyRef, Purpose
from keys.vault import Vault
from keys.vault_claims import VaultClaimKeys
from keys.vault_signer import VaultSigner
from keys.vault_store import EPOCHS_MOUNT, METADATA_LIFE, VaultKeyStore
from keys.vault_versions import SIGNING_MOUNT
from tests.keys.conftest import MovingClock
from tests.keys.test_key_store import verify

CLAIM_KEY = f"{SIGNING_MOUNT}/keys/sigillo-claim"


@pytest.fixture
def empty_openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("empty")) as server:
        yield server


def operations(store: VaultKeyStore, tenant: str) -> list[Callable[[], object]]:
    signer = store.signer(Purpose.CLAIM)
    store.advance_epoch(tenant)
    epoch = store.open_epoch(tenant)
    return [
        lambda: signer.sign(b"claim"),
        lambda: VaultKeyStore(store._vault).signer(Purpose.CLAIM),
        lambda: store.open_epoch(tenant),
        lambda: store.open_epoch(tenant, epoch.wrapped),
        lambda: store.advance_epoch(tenant),
        lambda: store.destroy_epochs(tenant, before=1),
    ]


def fresh_anchors(store: VaultKeyStore) -> Callable[[], object]:
    """Not among the operations: it needs no token, so nothing forbids it."""
    return VaultKeyStore(store._vault).anchors


def assert_outage(
    store: VaultKeyStore, tried: list[Callable[[], object]], kind: type[KeyStoreUnavailableError]
) -> None:
    for operation in tried:
        with pytest.raises(kind):
            operation()
    status = store.status()
    assert not status.ready
    assert status.reason
    assert status.keys == ()


def test_sealed_is_typed_and_recovers(openbao: OpenBao, vault_store: VaultKeyStore, tenant: str) -> None:
    tried = [*operations(vault_store, tenant), fresh_anchors(vault_store)]
    openbao.seal()
    try:
        assert_outage(vault_store, tried, KeyStoreSealedError)
    finally:
        openbao.unseal()
    for operation in tried:
        operation()
    assert vault_store.status().ready


def test_down_is_typed_and_recovers(openbao: OpenBao, vault_store: VaultKeyStore, tenant: str) -> None:
    tried = [*operations(vault_store, tenant), fresh_anchors(vault_store)]
    openbao.kill()
    try:
        assert_outage(vault_store, tried, KeyStoreDownError)
    finally:
        openbao.start()
    for operation in tried:
        operation()
    assert vault_store.status().ready


def test_forbidden_is_typed_and_recovers(openbao: OpenBao, vault_store: VaultKeyStore, tenant: str) -> None:
    tried = operations(vault_store, tenant)
    openbao.vault().write("sys/policies/acl/sigillo-service", {"policy": 'path "x" { capabilities = ["deny"] }'})
    try:
        assert_outage(vault_store, tried, KeyStoreForbiddenError)
    finally:
        openbao.bootstrap()
    for operation in tried:
        operation()
    assert vault_store.status().ready


def test_a_vault_that_was_never_set_up_says_so(empty_openbao: OpenBao) -> None:
    store = VaultKeyStore(empty_openbao.vault())
    for ask in (lambda: store.signer(Purpose.CLAIM), store.anchors):
        with pytest.raises((KeyNotFoundError, KeyStoreRefusedError), match="bootstrap"):
            ask()
    assert "bootstrap" in store.status().reason


def test_anchors_outlive_an_outage(openbao: OpenBao, vault_store: VaultKeyStore) -> None:
    anchors = vault_store.anchors()
    openbao.seal()
    try:
        assert vault_store.anchors() == anchors
    finally:
        openbao.unseal()


def test_a_version_without_its_certificate_does_not_sign(
    openbao: OpenBao, service_token: str, clock: MovingClock
) -> None:
    store = VaultKeyStore(Vault(openbao.url, service_token), clock)
    before = store.signer(Purpose.CLAIM)
    openbao.vault().write(f"{CLAIM_KEY}/rotate", {})
    clock.move(METADATA_LIFE)
    signer = store.signer(Purpose.CLAIM)
    assert signer.ref == before.ref
    verify(signer, signer.sign(b"claim"), b"claim")
    with pytest.raises(KeyNotFoundError):
        store.signer(Purpose.CLAIM, before.ref.version + 1)
    VaultClaimKeys(openbao.vault()).certify(KeyRef(before.ref.name, before.ref.version + 1))
    assert store.signer(Purpose.CLAIM).ref == before.ref
    assert store.signer(Purpose.CLAIM, before.ref.version + 1).ref.version == before.ref.version + 1
    assert store.signer(Purpose.CLAIM).ref.version == before.ref.version + 1


def test_an_answer_by_another_version_is_refused(openbao: OpenBao, service_token: str) -> None:
    class Newest(Vault):
        """A Vault that ignores the pinned version, as transit does when none is given."""

        def write(self, path: str, data: object) -> dict[str, object]:
            return {"data": {"signature": "vault:v9999:AAAA"}}

    signer = VaultKeyStore(openbao.vault()).signer(Purpose.CLAIM)
    swapped = VaultSigner(signer.ref, signer.algorithm, signer.public_key, signer.chain, Newest(openbao.url))
    with pytest.raises(KeyStoreRefusedError, match=str(signer.ref)):
        swapped.sign(b"claim")


def test_signing_reads_metadata_once(openbao: OpenBao, service_token: str, clock: MovingClock) -> None:
    reads: list[str] = []

    class Counting(Vault):
        def read(self, path: str) -> dict[str, object] | None:
            reads.append(path)
            return super().read(path)

    store = VaultKeyStore(Counting(openbao.url, service_token), clock)
    for _ in range(5):
        store.signer(Purpose.CLAIM).sign(b"claim")
    assert reads.count(CLAIM_KEY) == 1
    first = len(reads)
    clock.move(METADATA_LIFE)
    store.signer(Purpose.CLAIM)
    assert reads == reads[:first] * 2


@pytest.mark.parametrize("name", ["../../signing/keys/sigillo-claim", "a/b", "a b", "ä", "?x=1", ""])
def test_a_strange_tenant_name_reaches_no_other_path(openbao: OpenBao, service_token: str, name: str) -> None:
    # With the root token, so that the name alone is what stops it.
    store = VaultKeyStore(openbao.vault())
    before = store.signer(Purpose.CLAIM).ref
    with pytest.raises((KeyStoreUnavailableError, KeyNotFoundError)):
        store.advance_epoch(name)
    claim = openbao.vault().read(CLAIM_KEY)
    assert claim is not None
    assert claim["data"]["latest_version"] == before.version


def test_not_even_root_brings_a_destroyed_epoch_back(openbao: OpenBao, vault_store: VaultKeyStore, tenant: str) -> None:
    vault_store.advance_epoch(tenant)
    backup = vault_store.open_epoch(tenant)
    vault_store.advance_epoch(tenant)
    vault_store.destroy_epochs(tenant, before=2)
    lowered = {"min_decryption_version": 1, "min_encryption_version": 1}
    with pytest.raises(KeyStoreRefusedError, match="min available version"):
        openbao.vault().write(f"{EPOCHS_MOUNT}/keys/{tenant}/config", lowered)
    with pytest.raises(EpochDestroyedError):
        VaultKeyStore(openbao.vault()).open_epoch(tenant, backup.wrapped)


FORBIDDEN = [
    ("sigillo/signing/sign/sigillo-claim", {"input": ""}),
    ("sigillo/signing/sign/sigillo-claim/sha2-512", {"input": ""}),
    ("sigillo/signing/sign/sigillo-claim/sha2-256", {"input": "", "prehashed": False}),
    ("sigillo/signing/keys/sigillo-claim", {"type": "ecdsa-p256"}),
    ("sigillo/signing/keys/sigillo-claim/rotate", {}),
    ("sigillo/signing/keys/sigillo-claim/config", {"exportable": True}),
    ("sigillo/signing/keys/sigillo-claim/config", {"deletion_allowed": True}),
    ("sigillo/signing/keys/sigillo-claim/trim", {"min_available_version": 1}),
    ("sigillo/signing/keys/sigillo-claim/set-certificate", {"certificate_chain": ""}),
    ("sigillo/signing/keys/other", {"type": "ed25519"}),
    ("sigillo/signing/keys/sigillo-log/rotate", {}),
    ("sigillo/epochs/keys/TENANT", {"type": "aes256-gcm96", "exportable": True}),
    ("sigillo/epochs/keys/TENANT", {"type": "ed25519"}),
    ("sigillo/epochs/keys/TENANT/config", {"exportable": True}),
    ("sigillo/epochs/keys/TENANT/config", {"allow_plaintext_backup": True}),
    ("sigillo/epochs/keys/TENANT/config", {"deletion_allowed": True}),
    ("sigillo/epochs/encrypt/TENANT", {"plaintext": ""}),
    ("sigillo/issuer/sign/sigillo-claim", {"csr": ""}),
    ("sigillo/root/root/sign-intermediate", {"csr": ""}),
    ("sys/policies/acl/sigillo-service", {"policy": ""}),
    ("sys/mounts/more", {"type": "transit"}),
    ("auth/token/create", {}),
    ("sys/seal", {}),
]


@pytest.mark.parametrize(("path", "data"), FORBIDDEN, ids=lambda value: str(value)[:60])
def test_the_service_token_may_not_write(
    openbao: OpenBao,
    service_token: str,
    vault_store: VaultKeyStore,
    tenant: str,
    path: str,
    data: dict[str, object],
) -> None:
    vault_store.advance_epoch(tenant)
    with pytest.raises(KeyStoreForbiddenError):
        Vault(openbao.url, service_token).write(path.replace("TENANT", tenant), data)


@pytest.mark.parametrize(
    "path",
    [
        "sigillo/signing/export/signing-key/sigillo-claim",
        "sigillo/signing/backup/sigillo-claim",
        "sigillo/epochs/export/encryption-key/TENANT",
        "sigillo/epochs/backup/TENANT",
        "sigillo/issuer/roles/sigillo-claim",
        "sys/mounts",
        "sys/policies/acl/sigillo-service",
        "secret/anything",
    ],
)
def test_the_service_token_may_not_read(
    openbao: OpenBao, service_token: str, vault_store: VaultKeyStore, tenant: str, path: str
) -> None:
    vault_store.advance_epoch(tenant)
    with pytest.raises(KeyStoreForbiddenError):
        Vault(openbao.url, service_token).read(path.replace("TENANT", tenant))


def test_the_service_token_may_not_delete_or_list(
    openbao: OpenBao, service_token: str, vault_store: VaultKeyStore, tenant: str
) -> None:
    vault_store.advance_epoch(tenant)
    client = hvac.Client(openbao.url, service_token)
    for path in (CLAIM_KEY, f"sigillo/epochs/keys/{tenant}"):
        with pytest.raises(Forbidden):
            client.delete(path)
    for path in ("sigillo/epochs/keys", "sigillo/signing/keys"):
        with pytest.raises(Forbidden):
            client.list(path)


KEYS = ["sigillo/signing sigillo-claim", "sigillo/signing sigillo-log", "sigillo/epochs TENANT"]
WAYS_OUT = [
    "export/signing-key/KEY",
    "export/encryption-key/KEY",
    "export/hmac-key/KEY",
    "export/signing-key/KEY/latest",
    "backup/KEY",
    "byok-export/KEY/KEY",
]


@pytest.mark.parametrize("key", KEYS)
def test_no_key_can_be_exported_even_by_its_owner(
    openbao: OpenBao, service_token: str, vault_store: VaultKeyStore, tenant: str, key: str
) -> None:
    vault_store.advance_epoch(tenant)
    mount, name = key.replace("TENANT", tenant).split()
    standing = openbao.vault().read(f"{mount}/keys/{name}")
    assert standing is not None
    assert (standing["data"]["exportable"], standing["data"]["allow_plaintext_backup"]) == (False, False)
    for way in WAYS_OUT:
        path = f"{mount}/{way.replace('KEY', name)}"
        with pytest.raises(KeyStoreForbiddenError):
            Vault(openbao.url, service_token).read(path)
        # An administrator's token, the key's configuration left alone: the key itself says no.
        with pytest.raises(KeyStoreUnavailableError, match=r"not exportable|exporting is disallowed"):
            openbao.vault().read(path)
    for setting in ("exportable", "allow_plaintext_backup", "deletion_allowed"):
        with pytest.raises(KeyStoreForbiddenError):
            Vault(openbao.url, service_token).write(f"{mount}/keys/{name}/config", {setting: True})
    assert openbao.vault().read(f"{mount}/keys/{name}") == {**standing, "request_id": ANY}


def test_key_references_name_vaults_versions(vault_store: VaultKeyStore) -> None:
    now = vault_store.signer(Purpose.CLAIM).ref
    key = vault_store._vault.read(CLAIM_KEY)
    assert key is not None
    assert now == KeyRef("sigillo-claim", key["data"]["latest_version"])
