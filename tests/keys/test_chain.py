from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.certificates import LEAF_DAYS, PrivateKey, development_ca, request, subject_name
from keys.chain import Period, check_chain, offered, parse, pem
from keys.errors import CertificateExpiredError, CertificateMismatchError, CertificateNotYetValidError
from keys.keyring import public_der
from keys.profile import DOCUMENT_SIGNING
from tests.simulators.outside_ca import DAY, OutsideCA, usage

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEYS: list[PrivateKey] = [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()]
KEY = KEYS[0]
PUBLIC = public_der(KEY)
CA = OutsideCA(NOW)


def asked(key: PrivateKey = KEY) -> str:
    return request(key, subject_name("Acme"))


def new_key() -> bytes:
    return public_der(ec.generate_private_key(ec.SECP256R1()))


def test_a_chain_is_good_until_its_first_certificate_ends() -> None:
    key = new_key()
    period = check_chain(development_ca(NOW).issue(key, NOW), key)
    assert period.ends == NOW + timedelta(days=LEAF_DAYS)
    assert period.begins < NOW


def test_it_is_good_from_when_its_last_certificate_begins() -> None:
    late = replace(CA.wish(), begins=NOW + DAY)
    assert check_chain(CA.issue(asked(), late), PUBLIC).begins == NOW + DAY


def test_a_chain_for_another_key_is_refused() -> None:
    with pytest.raises(CertificateMismatchError, match="another key"):
        check_chain(development_ca(NOW).issue(new_key(), NOW), new_key())


def test_a_chain_that_does_not_hold_together_is_refused() -> None:
    key, authority = new_key(), development_ca(NOW)
    leaf = parse(authority.issue(key, NOW))[0]
    for issuer in (development_ca(NOW).intermediate, authority.root):
        with pytest.raises(CertificateMismatchError, match="chain is broken"):
            check_chain(pem([leaf, issuer]), key)


@pytest.mark.parametrize("chain", ["", "junk", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "é"])
def test_what_is_no_chain_is_refused(chain: str) -> None:
    with pytest.raises(CertificateMismatchError, match="not PEM"):
        check_chain(chain, new_key())


def test_a_certificate_is_good_from_its_beginning_until_its_end() -> None:
    period = Period(NOW, NOW + DAY)
    period.require(NOW)
    with pytest.raises(CertificateExpiredError, match=r"2026-05-02T00:00:00Z.*sigillo keys rotate"):
        period.require(NOW + DAY)
    with pytest.raises(CertificateNotYetValidError, match="2026-05-01T00:00:00Z"):
        period.require(NOW - timedelta(seconds=1))


@pytest.mark.parametrize("key", KEYS, ids=["P-256", "Ed25519"])
@pytest.mark.parametrize("levels", [0, 1, 2])
def test_what_an_outside_ca_gives_is_taken(key: PrivateKey, levels: int) -> None:
    ca = OutsideCA(NOW, levels=levels)
    chain = ca.issue(asked(key))
    for text, roots in ((chain, ca.root), (chain + ca.root, ""), (chain + ca.root, CA.root)):
        offer = offered(text, roots, public_der(key), NOW)
        assert (offer.chain, offer.root) == (chain, ca.root)


@pytest.mark.parametrize("purpose", [DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
def test_one_purpose_will_do(purpose: Any) -> None:
    offered(CA.issue(asked(), replace(CA.wish(), purposes=[purpose])), CA.root, PUBLIC, NOW)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an RSA key": ({"key": rsa.generate_private_key(65537, 2048).public_key()}, "neither P-256 nor Ed25519"),
    "P-384": ({"key": ec.generate_private_key(ec.SECP384R1()).public_key()}, "neither P-256 nor Ed25519"),
    "another version's key": ({"key": ec.generate_private_key(ec.SECP256R1()).public_key()}, "another key"),
    "a CA": ({"is_authority": True}, "CA:FALSE"),
    "silent about CA": ({"is_authority": None}, "CA:FALSE"),
    "no key usage": ({"usage": None}, "digitalSignature"),
    "not for signatures": ({"usage": usage(signs=False)}, "digitalSignature"),
    "a usage to ignore": ({"usage_is_critical": False}, "critical"),
    "a certifier": ({"usage": usage(certifies=True)}, "keyCertSign"),
    "no purpose": ({"purposes": ()}, "its purpose is another"),
    "for servers": ({"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]}, "its purpose is another"),
    "for anything": (
        {"purposes": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.EMAIL_PROTECTION]},
        "anyExtendedKeyUsage",
    ),
    "for time-stamps": (
        {"purposes": [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION]},
        "time-stamps or OCSP",
    ),
    "for OCSP": ({"purposes": [ExtendedKeyUsageOID.OCSP_SIGNING]}, "time-stamps or OCSP"),
    "no issuer's name": ({"names_its_issuer": False}, "authority key identifier"),
    "no name of its own": ({"names_itself": False}, "subject key identifier"),
    "ended": ({"begins": NOW - 2 * DAY, "ends": NOW}, "ended at 2026-05-01T00:00:00Z"),
    "not begun": ({"begins": NOW + DAY}, "not valid before 2026-05-02T00:00:00Z"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_certificate_is_refused_and_says_why(wrong: str) -> None:
    wish, why = WRONG[wrong]
    with pytest.raises(CertificateMismatchError, match=why):
        offered(CA.issue(asked(), replace(CA.wish(), **wish)), CA.root, PUBLIC, NOW)


def test_the_order_is_leaf_first() -> None:
    leaf = CA.leaf(asked(), CA.wish())
    for swapped in (CA.intermediates + leaf, CA.root + CA.intermediates + leaf):
        with pytest.raises(CertificateMismatchError, match="wrong order"):
            offered(swapped, CA.root, PUBLIC, NOW)


def test_a_missing_or_strange_link_breaks_it() -> None:
    ca = OutsideCA(NOW, levels=2)
    leaf, intermediates = ca.leaf(asked(), ca.wish()), parse(ca.intermediates)
    for rest in (intermediates[1:], intermediates[::-1], parse(CA.intermediates)):
        with pytest.raises(CertificateMismatchError, match="chain is broken"):
            offered(leaf + pem(rest), ca.root, PUBLIC, NOW)


def test_it_must_lead_to_a_root() -> None:
    chain = CA.issue(asked())
    for roots in ("", OutsideCA(NOW).root, CA.intermediates):
        with pytest.raises(CertificateMismatchError, match=r"Outside root.*--root"):
            offered(chain, roots, PUBLIC, NOW)


def test_a_self_signed_leaf_is_its_own_root_nowhere() -> None:
    alone = OutsideCA(NOW, levels=0)
    leaf = alone.leaf(asked(), alone.wish())
    with pytest.raises(CertificateMismatchError, match="--root"):
        offered(leaf, leaf, PUBLIC, NOW)


def test_who_is_no_authority_certifies_nobody() -> None:
    signer = ec.generate_private_key(ec.SECP256R1())
    below = OutsideCA(NOW)
    below.certificates[-1], below.keys[-1] = parse(CA.leaf(asked(signer), CA.wish()))[0], signer
    with pytest.raises(CertificateMismatchError, match="no certificate authority"):
        offered(below.issue(asked()) + CA.intermediates, CA.root, PUBLIC, NOW)


def test_a_root_may_bound_how_many_stand_below_it() -> None:
    offered((ca := OutsideCA(NOW, levels=1, path_length=1)).issue(asked()), ca.root, PUBLIC, NOW)
    with pytest.raises(CertificateMismatchError, match="fewer intermediates"):
        offered((ca := OutsideCA(NOW, levels=2, path_length=1)).issue(asked()), ca.root, PUBLIC, NOW)
