"""A policy is checked when it is made."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import TrustPolicyError
from provenance.trust import DEFAULT_USAGES, TrustPolicy, parse_usages
from tests.provenance.house import House


def test_anchors_of_several_sources_are_kept_once_in_a_fixed_order(house: House, stranger: House) -> None:
    ours, theirs = house.trust.anchors, stranger.trust.anchors
    one = TrustPolicy.of({"a": ours, "b": theirs})
    two = TrustPolicy.of({"b": theirs + ours, "a": f"comment\n{ours}"})
    assert one == two
    assert len(x509.load_pem_x509_certificates(one.anchors.encode())) == 2
    assert one.digest not in {house.trust.digest, stranger.trust.digest}


def test_the_digest_covers_the_usages(house: House) -> None:
    assert TrustPolicy.of({"a": house.trust.anchors}, DEFAULT_USAGES[:1]).digest != house.trust.digest


def test_a_policy_without_anchors_trusts_nobody() -> None:
    assert TrustPolicy.of({}).anchors == ""


@pytest.mark.parametrize("text", ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused_with_its_source(text: str) -> None:
    with pytest.raises(TrustPolicyError, match=r"^anchors\.pem: no PEM certificate") as refused:
        TrustPolicy.of({"anchors.pem": text})
    assert "http" not in str(refused.value)


def test_a_leaf_is_no_anchor(house: House) -> None:
    with pytest.raises(TrustPolicyError, match=r"claim signer.*not a certificate authority"):
        TrustPolicy.of({"anchors.pem": house.signer.chain})


@pytest.mark.parametrize("usage", ["", "emailProtection", "1", "1.3.", "1.3 ", "1.03", "9.9"])
def test_what_is_no_object_identifier_is_refused(usage: str) -> None:
    with pytest.raises(TrustPolicyError, match="object identifier"):
        TrustPolicy.of({}, (usage,))


def test_a_trust_configuration_file_is_read_without_its_comments() -> None:
    text = "\n//id-kp-emailProtection\n1.3.6.1.5.5.7.3.4\n 1.3.6.1.5.5.7.3.36 // documents\n"
    assert parse_usages("store.cfg", text) == ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36")
    with pytest.raises(TrustPolicyError, match=r"store\.cfg"):
        parse_usages("store.cfg", "// nothing\n")


def test_a_certificate_that_says_a_thing_twice_is_refused(house: House) -> None:
    """`cryptography` has errors of its own for such certificates; strangers may hand them in."""
    root = x509.load_pem_x509_certificates(house.trust.anchors.encode())[0]
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        issuer_name=root.subject,
        subject_name=root.subject,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=root.not_valid_before_utc,
        not_valid_after=root.not_valid_after_utc,
    )
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.5"), b"\x05\x00")
    once = builder.add_extension(unknown, critical=False).add_extension(other, critical=False)
    der = once.sign(key, SHA256()).public_bytes(Encoding.DER)
    twice = der.replace(bytes.fromhex("06032a0305"), bytes.fromhex("06032a0304"))
    pem = "-----BEGIN CERTIFICATE-----\n" + b64encode(twice).decode() + "\n-----END CERTIFICATE-----\n"
    with pytest.raises(TrustPolicyError, match="theirs"):
        TrustPolicy.of({"theirs": pem})
