"""OCSP answers: delegated responders, and every way in which an answer proves nothing."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.clock import system_clock
from keys.errors import RevocationRefusedError
from keys.ocsp import DAY, NONCE_BYTES, CertificateStatus, read, request
from keys.openbao import OpenBao
from keys.revocation import IssuerAndSerial, Reason
from keys.signer import Purpose
from keys.vault import Vault
from keys.vault_store import VaultKeyStore
from tests.simulators.certificate_authority import CertificateAuthority

NONCE = bytes(range(NONCE_BYTES))


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


def said(authority: CertificateAuthority, answer: bytes) -> CertificateStatus:
    return read(answer, authority.leaf, authority.issuer, NONCE, authority.now)


def test_a_delegated_responder_says_that_it_is_good(authority: CertificateAuthority) -> None:
    found = said(authority, authority.answer(by=authority.responder(), nonce=NONCE))
    assert found == CertificateStatus(None, authority.now + DAY)


def test_a_delegated_responder_says_that_it_is_revoked(authority: CertificateAuthority) -> None:
    answer = authority.answer(
        ocsp.OCSPCertStatus.REVOKED, by=authority.responder(), reason=x509.ReasonFlags.key_compromise
    )
    revocation = said(authority, answer).revocation
    assert revocation is not None
    assert revocation.certificate == IssuerAndSerial.of(authority.leaf)
    assert (revocation.at, revocation.since, revocation.reason) == (authority.now, authority.now, Reason.KEY_COMPROMISE)


def test_the_issuer_itself_may_answer(authority: CertificateAuthority) -> None:
    """As Vault's responder does; RFC 6960 allows it, c2pa-rs ignores such answers."""
    assert said(authority, authority.answer(nonce=NONCE)).revocation is None


def test_any_hash_may_name_the_issuer(authority: CertificateAuthority) -> None:
    assert said(authority, authority.answer(algorithm=SHA256())).revocation is None


def test_one_made_in_advance_has_no_nonce(authority: CertificateAuthority) -> None:
    assert said(authority, authority.answer(by=authority.responder())).revocation is None


def test_without_a_next_update_it_is_good_for_a_day(authority: CertificateAuthority) -> None:
    assert said(authority, authority.answer(lasts=None)).good_until == authority.now + DAY


def _by_another_authority(authority: CertificateAuthority) -> bytes:
    return authority.answer(by=CertificateAuthority(authority.now).responder())


def _by_a_claim_signer(authority: CertificateAuthority) -> bytes:
    """Whoever holds a certificate of this authority for anything else."""
    return authority.answer(by=authority.responder(uses=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)))


def _forged(authority: CertificateAuthority) -> bytes:
    answer = authority.answer(by=authority.responder())
    signature = ocsp.load_der_ocsp_response(answer).signature
    return answer.replace(signature, signature[:-1] + bytes([signature[-1] ^ 0x01]))


REFUSED: dict[str, tuple[Callable[[CertificateAuthority], bytes], str]] = {
    "no use": (lambda ca: ca.answer(by=ca.responder(uses=())), "not for OCSP signing"),
    "other use": (_by_a_claim_signer, "not for OCSP signing"),
    "not exempt from checks": (lambda ca: ca.answer(by=ca.responder(nocheck=False)), "nocheck"),
    "ended": (lambda ca: ca.answer(by=ca.responder(ends=-DAY)), "not in force"),
    "another authority's": (_by_another_authority, "neither by the certificate's issuer"),
    "forged": (_forged, "signature does not hold"),
    "other certificate": (
        lambda ca: ca.answer(by=ca.responder(), about=CertificateAuthority(ca.now).leaf),
        "about another certificate",
    ),
    "other nonce": (lambda ca: ca.answer(by=ca.responder(), nonce=NONCE[::-1]), "another request"),
    "replayed": (lambda ca: ca.answer(by=ca.responder(), made=ca.now - 2 * DAY), "not of now"),
    "future": (lambda ca: ca.answer(by=ca.responder(), made=ca.now + DAY), "not of now"),
    "unknown": (lambda ca: ca.answer(ocsp.OCSPCertStatus.UNKNOWN, by=ca.responder()), "does not know"),
    "busy": (
        lambda _: ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            Encoding.DER
        ),
        "TRY_LATER",
    ),
    "no answer": (lambda _: b"<html>", "no OCSP answer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_answer_that_proves_nothing_is_refused(authority: CertificateAuthority, case: str) -> None:
    make, why = REFUSED[case]
    with pytest.raises(RevocationRefusedError, match=why):
        said(authority, make(authority))


def test_every_changed_byte_of_what_is_signed_is_noticed(authority: CertificateAuthority) -> None:
    answer = authority.answer(nonce=NONCE)  # by the issuer itself, so there is no certificate in it
    honest = said(authority, answer)
    for place in range(0, len(answer), 2):
        changed = answer[:place] + bytes([answer[place] ^ 0x01]) + answer[place + 1 :]
        try:
            assert said(authority, changed) == honest
        except RevocationRefusedError:
            continue


def test_vaults_own_responder(openbao: OpenBao, service_token: str) -> None:
    store = VaultKeyStore(Vault(openbao.url, service_token))
    leaf, issuer = x509.load_pem_x509_certificates(store.signer(Purpose.CLAIM).chain.encode())
    asked = urllib.request.Request(f"{openbao.url}/v1/sigillo/issuer/ocsp", data=request(leaf, issuer, NONCE))
    asked.add_header("Content-Type", "application/ocsp-request")
    with urllib.request.urlopen(asked, timeout=10) as answered:  # loopback
        status = read(answered.read(), leaf, issuer, NONCE, system_clock())
    assert status.revocation is None
    assert status.good_until > system_clock()
