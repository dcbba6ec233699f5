from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.certificates import LEAF_DAYS, PrivateKey, development_ca, request, subject_name
from keys.chain import check_chain
from keys.errors import CertificateMismatchError
from keys.keyring import public_der
from keys.profile import DOCUMENT_SIGNING
from keys.signer import KeyStore, Purpose

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def public_of(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificates(chain: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(chain.encode())


def test_the_leaf_has_the_c2pa_profile_in_every_store(store: KeyStore) -> None:
    leaf, intermediate = certificates(store.signer(Purpose.CLAIM).chain)
    assert leaf.version is x509.Version.v3
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(uses) == {ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING}
    authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    identifier = intermediate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == identifier.digest
    leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    lasts = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert timedelta(days=LEAF_DAYS) <= lasts < timedelta(days=LEAF_DAYS, hours=1)


def test_the_chain_verifies_up_to_the_root_it_leaves_out(store: KeyStore) -> None:
    leaf, intermediate = certificates(store.signer(Purpose.CLAIM).chain)
    anchors = certificates(store.anchors())
    assert intermediate not in anchors
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(anchors))
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all(),
        )
        .build_client_verifier()
    )
    *issued, root = verifier.verify(leaf, [intermediate]).chain or []
    assert issued == [leaf, intermediate]
    assert root in anchors


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()])
def test_both_kinds_of_claim_key_are_certified(key: PrivateKey) -> None:
    check_chain(development_ca(NOW).issue(public_der(key), NOW), public_der(key))


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()])
def test_a_request_carries_the_key_and_the_name_alone(key: PrivateKey) -> None:
    made = x509.load_pem_x509_csr(request(key, subject_name("Acme")).encode())
    assert made.is_signature_valid
    assert public_of(made.public_key()) == public_der(key)
    assert made.subject == subject_name("Acme")
    assert len(made.extensions) == 0


def test_no_other_key_is_certified() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(CertificateMismatchError, match="P-256 and Ed25519"):
        development_ca(NOW).issue(public_of(key.public_key()), NOW)
