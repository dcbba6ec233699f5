"""A policy is checked when it is made."""

from __future__ import annotations

import pytest
from cryptography import x509

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
    with pytest.raises(TrustPolicyError, match=r"anchors\.pem"):
        TrustPolicy.of({"anchors.pem": text})


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
