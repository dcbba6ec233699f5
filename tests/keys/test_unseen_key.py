"""The key for claims over content that is not seen: a line of versions of its own, in both stores."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from keys.certificates import LEAF_NAME, UNSEEN_LEAF_NAME
from keys.clock import system_clock
from keys.errors import KeyNotFoundError, KeyStoreForbiddenError
from keys.keyring import Keyring
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.rotation import retire, rotate
from keys.signer import Algorithm, KeyRef, Purpose, Signer
from keys.vault import Vault
from keys.vault_claims import VaultClaimKeys
from keys.vault_store import VaultKeyStore
from keys.versions import State, claim_versions, current, state
from tests.keys.conftest import StoreUnderTest
from tests.keys.test_key_store import verify


def name(signer: Signer) -> str:
    leaf = x509.load_pem_x509_certificates(signer.chain.encode())[0]
    return str(leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_it_signs_under_a_name_that_says_so(under_test: StoreUnderTest) -> None:
    store = under_test.store
    seen, unseen = store.signer(Purpose.CLAIM), store.signer(Purpose.CLAIM_UNSEEN)
    verify(unseen, unseen.sign(b"claim"), b"claim")
    assert (name(seen), name(unseen)) == (LEAF_NAME, UNSEEN_LEAF_NAME)
    assert seen.public_key != unseen.public_key
    assert {version.ref.name for version in claim_versions(store)} >= {seen.ref.name, unseen.ref.name}


def test_an_embedded_one_turns_without_the_claim_key(local_store: LocalKeyStore) -> None:
    before = local_store.signer(Purpose.CLAIM).ref
    made = rotate(local_store.unseen_claims, Algorithm.ED25519)
    assert local_store.signer(Purpose.CLAIM_UNSEEN).ref == made.ref
    assert name(local_store.signer(Purpose.CLAIM_UNSEEN)) == UNSEEN_LEAF_NAME
    assert local_store.signer(Purpose.CLAIM).ref == before
    retire(local_store.unseen_claims, KeyRef(made.ref.name, made.ref.version - 1), system_clock())
    line = local_store.versions(Purpose.CLAIM_UNSEEN)
    assert [state(version, line) for version in line][-2:] == [State.RETIRED, State.CURRENT]
    assert [one.key for one in local_store.status().unseen_versions] == [str(version.ref) for version in line]


def test_a_keyring_from_before_gets_one() -> None:
    keyring = Keyring.first(system_clock())
    older = keyring.model_copy(
        update={"signing": {one: keys for one, keys in keyring.signing.items() if one is not Purpose.CLAIM_UNSEEN}}
    )
    assert Purpose.CLAIM_UNSEEN in older.complete(system_clock()).signing
    assert keyring.complete(system_clock()) is keyring


@pytest.mark.openbao
def test_one_in_vault_turns_without_the_claim_key(openbao: OpenBao) -> None:
    before = current(VaultClaimKeys(openbao.vault()).versions())
    made = rotate(VaultClaimKeys(openbao.vault(), purpose=Purpose.CLAIM_UNSEEN))
    store = VaultKeyStore(openbao.vault())
    assert store.signer(Purpose.CLAIM_UNSEEN).ref == made.ref
    assert name(store.signer(Purpose.CLAIM_UNSEEN)) == UNSEEN_LEAF_NAME
    assert current(VaultClaimKeys(openbao.vault()).versions()) == before


@pytest.mark.openbao
def test_the_service_may_sign_with_it_and_no_more(openbao: OpenBao) -> None:
    vault = Vault(openbao.url, openbao.bootstrap().service_token)
    signer = VaultKeyStore(vault).signer(Purpose.CLAIM_UNSEEN)
    verify(signer, signer.sign(b"claim"), b"claim")
    for path in ("rotate", "config", "set-certificate"):
        with pytest.raises(KeyStoreForbiddenError):
            vault.write(f"sigillo/signing/keys/sigillo-claim-unseen/{path}", {})


def test_a_version_that_is_not_there_is_told(under_test: StoreUnderTest) -> None:
    with pytest.raises(KeyNotFoundError, match="sigillo-claim-unseen@99"):
        under_test.store.signer(Purpose.CLAIM_UNSEEN, 99)
