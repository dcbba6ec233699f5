from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.certificates import (
    DOCUMENT_SIGNING,
    LEAF_DAYS,
    check_chain,
    development_ca,
    pem,
    require_current,
)
from keys.errors import CertificateExpiredError, CertificateMismatchError
from keys.keyring import public_der
from keys.signer import KeyStore, Purpose

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def new_key() -> bytes:
    return public_der(ec.generate_private_key(ec.SECP256R1()))


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
    assert verifier.verify(leaf, [intermediate]).chain == [leaf, intermediate, anchors[0]]


def test_a_chain_ends_with_its_first_certificate_to_end() -> None:
    key = new_key()
    chain = development_ca(NOW).issue(key, NOW)
    assert check_chain(chain, key) == NOW + timedelta(days=LEAF_DAYS)


def test_a_chain_for_another_key_is_refused() -> None:
    chain = development_ca(NOW).issue(new_key(), NOW)
    with pytest.raises(CertificateMismatchError, match="another key"):
        check_chain(chain, new_key())


def test_a_chain_that_does_not_hold_together_is_refused() -> None:
    key, authority = new_key(), development_ca(NOW)
    leaf = pem(certificates(authority.issue(key, NOW))[0])
    stranger = development_ca(NOW)
    for issuer in (pem(stranger.intermediate), pem(authority.root)):
        with pytest.raises(CertificateMismatchError, match="chain is broken"):
            check_chain(leaf + issuer, key)


@pytest.mark.parametrize("chain", ["", "junk", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "é"])
def test_what_is_no_chain_is_refused(chain: str) -> None:
    with pytest.raises(CertificateMismatchError, match="not PEM"):
        check_chain(chain, new_key())


def test_only_p256_keys_are_certified() -> None:
    authority = development_ca(NOW)
    keys = (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1()))
    for key in keys:
        with pytest.raises(CertificateMismatchError, match="P-256"):
            authority.issue(public_der(key), NOW)


def test_a_certificate_is_good_until_its_end() -> None:
    require_current(NOW, NOW - timedelta(seconds=1))
    with pytest.raises(CertificateExpiredError, match="2026-05-01T00:00:00Z"):
        require_current(NOW, NOW)
