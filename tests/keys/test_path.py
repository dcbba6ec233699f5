"""Forged paths: what an authority did not allow below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.certificates import request, subject_name
from keys.chain import offered, parse, pem
from keys.errors import CertificateMismatchError
from keys.keyring import public_der
from keys.path import check_path, led_to
from keys.profile import PURPOSES
from tests.simulators.outside_ca import OutsideCA

KEY = ec.generate_private_key(ec.SECP256R1())
CSR = request(KEY, subject_name("Acme"))
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CA = OutsideCA(NOW, levels=0)
ROOT = CA.certificates[0]

Extras = tuple[tuple[x509.ExtensionType, bool], ...]


def uses(*purposes: x509.ObjectIdentifier) -> Extras:
    return ((x509.ExtendedKeyUsage(purposes), False),)


def permitting(*names: x509.GeneralName) -> Extras:
    return ((x509.NameConstraints(names, None), True),)


def excluding(*names: x509.GeneralName) -> Extras:
    return ((x509.NameConstraints(None, names), True),)


def chain(ca: OutsideCA, *names: x509.GeneralName) -> Sequence[x509.Certificate]:
    other = x509.SubjectAlternativeName(names) if names else None
    return parse(ca.issue(CSR, replace(ca.wish(), names=other)))


SERVER, MAIL = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION
SIGILLO = x509.DirectoryName(subject_name("Acme"))
SHOUTED = x509.DirectoryName(
    x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SIGILLO"), x509.NameAttribute(NameOID.COMMON_NAME, "AcMe ")]
    )
)
ACME_MAIL, ACME_HOST = x509.RFC822Name("media@acme.example"), x509.DNSName("media.acme.example")

ALLOWED: dict[str, tuple[Extras, tuple[x509.GeneralName, ...]]] = {
    "its purpose": (uses(MAIL, SERVER), ()),
    "any purpose": (uses(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), ()),
    "its name": (permitting(SIGILLO), ()),
    "its name, shouted": (permitting(SHOUTED), ()),
    "names of a kind it has not": (permitting(x509.DNSName("other.example")), ()),
    "others excluded": (excluding(x509.DirectoryName(subject_name("Other"))), ()),
    "its mail host": (permitting(x509.RFC822Name("acme.example")), (ACME_MAIL,)),
    "its mail address": (permitting(ACME_MAIL), (ACME_MAIL,)),
    "hosts above it": (permitting(x509.DNSName("acme.example")), (ACME_HOST,)),
}
FORGED: dict[str, tuple[Extras, tuple[x509.GeneralName, ...], str]] = {
    "other purposes": (uses(SERVER), (), "other purposes"),
    "another's name": (permitting(x509.DirectoryName(subject_name("Other"))), (), "does not allow the name"),
    "excluded": (excluding(SIGILLO), (), "does not allow the name"),
    "excluded, shouted": (excluding(SHOUTED), (), "does not allow the name"),
    "another mail host": (permitting(x509.RFC822Name("other.example")), (ACME_MAIL,), "media@acme"),
    "a mail host below": (permitting(x509.RFC822Name("example")), (ACME_MAIL,), "media@acme"),
    "another host": (permitting(x509.DNSName("cme.example")), (ACME_HOST,), "media.acme"),
    "excluded host": (excluding(x509.DNSName("example")), (ACME_HOST,), "media.acme"),
    "a kind that is not understood": (
        permitting(x509.UniformResourceIdentifier("acme.example")),
        (x509.UniformResourceIdentifier("https://acme.example"),),
        "https://acme",
    ),
    "the same, excluded": (
        excluding(x509.UniformResourceIdentifier("other.example")),
        (x509.UniformResourceIdentifier("https://acme.example"),),
        "https://acme",
    ),
    "critical and unknown": (
        ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),),
        (),
        "critical extension",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_an_authority_allows(case: str) -> None:
    extras, names = ALLOWED[case]
    led_to(chain(CA.below(*extras), *names), [ROOT], PURPOSES)


@pytest.mark.parametrize("case", FORGED)
def test_what_an_authority_does_not_allow(case: str) -> None:
    extras, names, why = FORGED[case]
    forged = chain(CA.below(*extras), *names)
    with pytest.raises(CertificateMismatchError, match=re.escape(why)):
        led_to(forged, [ROOT], PURPOSES)
    with pytest.raises(CertificateMismatchError, match=re.escape(why)):
        offered(pem(forged), CA.root, public_der(KEY), NOW)


def test_it_holds_below_every_authority() -> None:
    """A constraint two levels up, and purposes that only together leave none."""
    for upper, lower, why in (
        (permitting(x509.DirectoryName(subject_name("Other"))), (), "does not allow"),
        (uses(MAIL), uses(ExtendedKeyUsageOID.CODE_SIGNING), "other purposes"),
    ):
        with pytest.raises(CertificateMismatchError, match=why):
            led_to(chain(CA.below(*upper).below(*lower)), [ROOT], PURPOSES)


def test_how_many_may_stand_below() -> None:
    led_to(chain(CA.below(path_length=0)), [ROOT], PURPOSES)
    with pytest.raises(CertificateMismatchError, match="fewer intermediates"):
        led_to(chain(CA.below(path_length=0).below()), [ROOT], PURPOSES)


def test_a_leaf_certifies_nobody() -> None:
    """Whoever holds a claim certificate could otherwise make others, by any name."""
    held = ec.generate_private_key(ec.SECP256R1())
    thief = CA.below()
    thief.certificates.append(parse(thief.leaf(request(held, subject_name("Honest")), thief.wish()))[0])
    thief.keys.append(held)
    with pytest.raises(CertificateMismatchError, match="no certificate authority"):
        led_to(chain(thief), [ROOT], PURPOSES)


def test_a_certificate_names_the_key_that_signed_it() -> None:
    """Revocation lists speak for who is named."""
    wrong = replace(CA.wish(), as_if_by=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(CertificateMismatchError, match="no known root"):
        led_to(parse(CA.issue(CSR, wrong)), [ROOT], PURPOSES)


def test_the_root_may_stand_in_the_chain_or_in_its_middle() -> None:
    deep = chain(CA.below().below())
    led_to([*deep, ROOT], [ROOT], PURPOSES)
    led_to(deep, [deep[1]], PURPOSES)
    for roots in ([], [OutsideCA(NOW).certificates[0]]):
        with pytest.raises(CertificateMismatchError, match="no known root"):
            led_to(deep, roots, PURPOSES)
    with pytest.raises(CertificateMismatchError, match="chain is broken"):
        check_path([deep[0], deep[2]], PURPOSES)


def test_of_two_roots_by_one_name_either_will_do() -> None:
    led_to(chain(CA.below()), [OutsideCA(NOW).certificates[0], ROOT], PURPOSES)
