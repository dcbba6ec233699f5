"""Whose credentials are believed: issuers known by name, and those that bring a certificate."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from identity.did.methods import VerificationMethod, did_key, method_of, resolve
from identity.errors import IssuerUntrustedError, TokenUnreadableError
from identity.jose.certified import MDL_DOCUMENT_SIGNER, Known
from identity.sd_jwt.issuers import certified, pinned, resolved
from tests.identity.parties import NOW, party
from tests.identity.wallet import AUTHORITY, CERTIFICATE, ISSUER, Authority

assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
NAMES = [x509.DNSName("issuer.example"), x509.UniformResourceIdentifier("urn:issuer")]
NAMED = AUTHORITY.certify(ISSUER.private_key, names=NAMES)
CERTIFIED = Known("CN=authority", ISSUER.key)
KEY_OF = certified([AUTHORITY.anchor], frozenset({MDL_DOCUMENT_SIGNER}), NOW)


def header(*chain: bytes) -> dict[str, object]:
    return {"x5c": [b64encode(certificate).decode() for certificate in chain]}


def test_a_pinned_issuer_is_known_by_its_whole_name() -> None:
    issuer_key = pinned({"https://issuer.example": ISSUER.key})
    assert issuer_key("https://issuer.example", {}) == Known("https://issuer.example", ISSUER.key)
    strangers: list[object] = ["https://issuer.example/", None, 1, ["https://issuer.example"], {}]
    for stranger in strangers:
        with pytest.raises(IssuerUntrustedError):
            issuer_key(stranger, header(NAMED))


def test_a_resolved_issuer_signs_with_a_key_of_its_own() -> None:
    did = did_key(ISSUER.key)
    method, other = method_of(did), method_of(did_key(party().key))
    asked: list[str] = []

    def resolving(name: str) -> VerificationMethod:
        asked.append(name)
        return resolve(name)

    issuer_key = resolved({did}, resolving)
    assert issuer_key(did, {"kid": method}) == Known(did, ISSUER.key)
    strangers: list[tuple[object, object]] = [(did, other), (did, did), (did, None), (did, "did:web:a.example#1")]
    for issuer, kid in [*strangers, (other.partition("#")[0], other), (None, method), ([did], method)]:
        with pytest.raises(IssuerUntrustedError):
            issuer_key(issuer, {"kid": kid})
    assert set(asked) <= {method, did}, "a stranger's DID was resolved"
    for_login = replace(resolve(method), purposes=frozenset({"authentication"}))
    with pytest.raises(IssuerUntrustedError):
        resolved({did}, lambda _: for_login)(did, {"kid": method})


def test_a_certified_issuer_is_whom_its_certificate_names() -> None:
    for issuer in (
        None,
        "https://issuer.example",
        "https://issuer.example/pid",
        "https://ISSUER.example",
        "urn:issuer",
    ):
        assert KEY_OF(issuer, header(NAMED)) == CERTIFIED
    assert KEY_OF(None, header(CERTIFICATE)) == CERTIFIED


@pytest.mark.parametrize(
    "issuer",
    [
        "https://other.example",
        "https://issuer.example@other.example",
        "https://issuer.example.other.example",
        "http://issuer.example",
        "issuer.example",
        "URN:issuer",
        "https://[issuer.example",
        "https://",
        "",
        1,
        ["urn:issuer"],
    ],
)
def test_it_speaks_for_nobody_else(issuer: object) -> None:
    with pytest.raises(IssuerUntrustedError):
        KEY_OF(issuer, header(NAMED))
    with pytest.raises(IssuerUntrustedError):
        KEY_OF("https://issuer.example", header(CERTIFICATE))  # which names nobody


def test_under_another_authority_or_for_another_purpose_it_is_a_stranger() -> None:
    others = (
        certified([], frozenset({MDL_DOCUMENT_SIGNER}), NOW),
        certified([Authority("authority").anchor], frozenset({MDL_DOCUMENT_SIGNER}), NOW),
        certified([AUTHORITY.anchor], frozenset({x509.ObjectIdentifier("1.2.3.4")}), NOW),
    )
    for key_of in others:
        with pytest.raises(IssuerUntrustedError):
            key_of(None, header(NAMED))


@pytest.mark.parametrize("x5c", [None, "AAAA", {}, [], [1], ["AA"], ["A-_A"], ["AAAA"], ["é"], ["A A A A"]])
def test_what_is_no_chain(x5c: object) -> None:
    with pytest.raises(TokenUnreadableError):
        KEY_OF(None, {"x5c": x5c})


def test_a_certificate_by_nobody_that_can_be_read_is_by_a_stranger() -> None:
    """Its authority's name is no text: reading it fails, and not before it is compared."""
    written = b"\x0c\x09authority"
    assert CERTIFICATE.count(written) == 1
    with pytest.raises(IssuerUntrustedError):
        KEY_OF(None, header(CERTIFICATE.replace(written, b"\x0c\x09\xffuthority")))
