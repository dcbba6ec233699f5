"""What every key store does, whatever holds its keys (keys/signer.py)."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import c2pa
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from PIL import Image

from keys.certificates import LEAF_DAYS
from keys.errors import (
    CertificateExpiredError,
    EpochDestroyedError,
    KeyNotFoundError,
    SealBrokenError,
)
from keys.signer import Algorithm, KeyRef, KeyStore, Purpose, Signer
from tests.keys.conftest import StoreUnderTest

MESSAGES = [b"", b"\0" * 31, b"\0" * 32, b"\0" * 33, b"claim" * 1000]


def verify(signer: Signer, signature: bytes, message: bytes) -> None:
    key = load_der_public_key(signer.public_key)
    assert len(signature) == 64
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


def leaf_key(chain: str) -> bytes:
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("message", MESSAGES, ids=len)
def test_it_signs_the_whole_message(store: KeyStore, purpose: Purpose, message: bytes) -> None:
    signer = store.signer(purpose)
    signature = signer.sign(message)
    verify(signer, signature, message)
    with pytest.raises(InvalidSignature):
        verify(signer, signature, message + b"!")


def test_each_purpose_has_its_algorithm_and_name(store: KeyStore) -> None:
    claim, log = store.signer(Purpose.CLAIM), store.signer(Purpose.LOG)
    assert (claim.algorithm, log.algorithm) == (Algorithm.ES256, Algorithm.ED25519)
    assert (claim.ref.name, log.ref.name) == ("sigillo-claim", "sigillo-log")
    assert log.chain == ""


def test_a_chain_belongs_to_its_version(under_test: StoreUnderTest) -> None:
    old = under_test.store.signer(Purpose.CLAIM)
    under_test.rotate()
    new = under_test.store.signer(Purpose.CLAIM)
    assert new.ref == KeyRef(old.ref.name, old.ref.version + 1)
    for signer in (old, new):
        assert leaf_key(signer.chain) == signer.public_key
    assert old.public_key != new.public_key


def test_an_old_version_still_signs_as_itself(under_test: StoreUnderTest) -> None:
    before = under_test.store.signer(Purpose.CLAIM)
    under_test.rotate()
    pinned = under_test.store.signer(Purpose.CLAIM, before.ref.version)
    assert (pinned.ref, pinned.public_key, pinned.chain) == (before.ref, before.public_key, before.chain)
    verify(before, before.sign(b"held since before the rotation"), b"held since before the rotation")
    verify(before, pinned.sign(b"asked for by its version"), b"asked for by its version")


@pytest.mark.parametrize("version", [0, -1, 10_000])
def test_an_unknown_version_is_not_found(store: KeyStore, version: int) -> None:
    with pytest.raises(KeyNotFoundError):
        store.signer(Purpose.CLAIM, version)


def test_an_ended_certificate_signs_nothing(under_test: StoreUnderTest) -> None:
    under_test.clock.move(timedelta(days=LEAF_DAYS + 1))
    with pytest.raises(CertificateExpiredError):
        under_test.store.signer(Purpose.CLAIM)
    under_test.store.signer(Purpose.LOG)
    status = under_test.store.status()
    assert not status.ready
    assert "certificate ended" in status.reason


def test_many_threads_sign_at_once(store: KeyStore) -> None:
    signer = store.signer(Purpose.CLAIM)
    messages = [b"%d" % number for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        for message, signature in zip(messages, pool.map(signer.sign, messages), strict=True):
            verify(signer, signature, message)


def test_status_names_keys_and_expiry(store: KeyStore) -> None:
    status = store.status()
    assert status.ready
    assert status.reason == ""
    assert status.keys == (store.signer(Purpose.CLAIM).ref, store.signer(Purpose.LOG).ref)
    assert status.certificate_expires.endswith("Z")


def test_an_epoch_key_opens_again(store: KeyStore, tenant: str) -> None:
    assert store.advance_epoch(tenant) == 1
    epoch = store.open_epoch(tenant)
    assert epoch.number == 1
    assert len(epoch.key) == 32
    assert epoch.key not in epoch.wrapped
    assert store.open_epoch(tenant, epoch.wrapped) == epoch
    assert store.open_epoch(tenant).key != epoch.key


def test_an_epoch_key_does_not_print(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    epoch = store.open_epoch(tenant)
    assert repr(epoch.key) not in repr(epoch)


def test_new_epoch_keys_are_under_the_newest_epoch(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    old = store.open_epoch(tenant)
    assert store.advance_epoch(tenant) == 2
    assert store.open_epoch(tenant).number == 2
    assert store.open_epoch(tenant, old.wrapped) == old


def test_a_destroyed_epoch_stays_dead_in_backups(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    backup = store.open_epoch(tenant)
    store.advance_epoch(tenant)
    survivor = store.open_epoch(tenant)
    store.advance_epoch(tenant)
    for _ in range(2):
        store.destroy_epochs(tenant, before=2)
        with pytest.raises(EpochDestroyedError):
            store.open_epoch(tenant, backup.wrapped)
        assert store.open_epoch(tenant, survivor.wrapped) == survivor
    store.destroy_epochs(tenant, before=1)
    assert store.advance_epoch(tenant) == 4


def test_the_newest_epoch_cannot_be_destroyed(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    epoch = store.open_epoch(tenant)
    with pytest.raises(ValueError, match="newest"):
        store.destroy_epochs(tenant, before=2)
    store.destroy_epochs(tenant, before=1)
    store.destroy_epochs(tenant, before=0)
    assert store.open_epoch(tenant, epoch.wrapped) == epoch


def test_a_tenant_without_epochs_is_not_found(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    wrapped = store.open_epoch(tenant).wrapped
    with pytest.raises(KeyNotFoundError):
        store.open_epoch(f"{tenant}x")
    with pytest.raises(KeyNotFoundError):
        store.open_epoch(f"{tenant}x", wrapped)
    with pytest.raises(KeyNotFoundError):
        store.destroy_epochs(f"{tenant}x", before=1)


def test_another_tenants_epoch_key_does_not_open(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    store.advance_epoch(f"{tenant}x")
    with pytest.raises(SealBrokenError):
        store.open_epoch(f"{tenant}x", store.open_epoch(tenant).wrapped)


def test_a_tampered_epoch_key_does_not_open(store: KeyStore, tenant: str) -> None:
    store.advance_epoch(tenant)
    wrapped = store.open_epoch(tenant).wrapped
    kind, _, rest = wrapped.split(b":")
    flipped = wrapped[:-6] + (b"1" if wrapped[-6:-5] == b"0" else b"0") + wrapped[-5:]
    never = kind + b":v7:" + rest
    for bad in (flipped, never, wrapped[:-8], b"", b"junk", kind + b":v0:" + rest, kind + b":v1:"):
        with pytest.raises(SealBrokenError):
            store.open_epoch(tenant, bad)


def test_tenants_at_once_lose_no_epoch(store: KeyStore, tenant: str) -> None:
    tenants = [f"{tenant}{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            list(pool.map(store.advance_epoch, tenants))
    assert [store.open_epoch(each).number for each in tenants] == [2] * 8


def test_a_file_signed_with_it_reads_back_trusted(store: KeyStore) -> None:
    signer = store.signer(Purpose.CLAIM)
    source, signed = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(source, "JPEG")
    source.seek(0)
    context = c2pa.Context.from_dict(
        {"trust": {"trust_anchors": store.anchors()}, "verify": {"remote_manifest_fetch": False}}
    )
    actions = [
        {
            "action": "c2pa.created",
            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
        }
    ]
    definition = {"title": "teal", "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]}
    native = c2pa.Signer.from_callback(signer.sign, c2pa.C2paSigningAlg.ES256, signer.chain, None)
    c2pa.Builder(definition, context).sign(native, "image/jpeg", source, signed)
    signed.seek(0)
    with c2pa.Reader("image/jpeg", signed, context=context) as reader:
        assert reader.get_validation_state() == "Trusted"
