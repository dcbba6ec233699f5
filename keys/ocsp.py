"""OCSP: asking a responder about one certificate, and what must hold before its answer counts.

Rules
- An answer is signed by the certificate's own issuer, or by a responder to which that issuer delegated it: whose
  certificate the issuer itself signed, for OCSP signing, in force now, and free of further lookups
  (id-pkix-ocsp-nocheck): whether a responder is revoked is not asked.
- It is about this certificate, made by now, and not past its nextUpdate; where it has a nonce, it is ours. One without
  is accepted, for many responders sign in advance: an old one can then be replayed until its nextUpdate.
- A responder that does not know the certificate has not said that it is good.

RFC 6960; RFC 8954 (nonce).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.errors import RevocationRefusedError
from keys.profile import UNREADABLE
from keys.revocation import SKEW, IssuerAndSerial, Revocation

NONCE_BYTES: Final = 32
"""RFC 8954, section 2.1, as RFC 9654 widened it."""

DAY: Final = timedelta(days=1)
"""How long an answer without a nextUpdate is good: what C2PA allows."""


@dataclass(frozen=True)
class CertificateStatus:
    """What a responder says of a certificate."""

    revocation: Revocation | None
    """None: it is good."""

    good_until: datetime


def request(leaf: x509.Certificate, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """What to ask a responder, DER."""
    # SHA-1 only names the issuer here, and every responder knows it (RFC 6960, section 4.3).
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA1())  # noqa: S303
    return asked.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def read(
    answer: bytes, leaf: x509.Certificate, issuer: x509.Certificate, nonce: bytes, now: datetime
) -> CertificateStatus:
    """What an answer (DER) says of `leaf`, which `issuer` issued. Raises RevocationRefusedError."""
    try:
        response = ocsp.load_der_ocsp_response(answer)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise RevocationRefusedError(f"the responder answers {response.response_status.name}")
        _check_signed(response, issuer, now)
        _check_nonce(response, nonce)
        return _status(response, leaf, issuer, now)
    except UNREADABLE as error:
        raise RevocationRefusedError(f"this is no OCSP answer that can be read ({error})") from error


def _check_signed(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    if _is_responder(response, issuer):
        signer = issuer
    else:
        signer = next((one for one in response.certificates if _is_responder(response, one)), issuer)
        _check_delegated(signer, issuer, now)
    if not _holds(response, signer.public_key()):
        raise RevocationRefusedError("the answer's signature does not hold")


def _check_delegated(responder: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    """Raises RevocationRefusedError unless `issuer` lets this certificate answer for it."""
    try:
        responder.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE) as error:
        raise RevocationRefusedError(
            "the answer is signed neither by the certificate's issuer nor by a responder that it certified"
        ) from error
    said = {type(extension.value): extension.value for extension in responder.extensions}
    uses, usage = said.get(x509.ExtendedKeyUsage, ()), said.get(x509.KeyUsage)
    if ExtendedKeyUsageOID.OCSP_SIGNING not in uses or (
        isinstance(usage, x509.KeyUsage) and not usage.digital_signature
    ):
        raise RevocationRefusedError("the responder's certificate is not for OCSP signing")
    if x509.OCSPNoCheck not in said:
        raise RevocationRefusedError("the responder's certificate may be revoked itself (no id-pkix-ocsp-nocheck)")
    if not responder.not_valid_before_utc <= now < responder.not_valid_after_utc:
        raise RevocationRefusedError("the responder's certificate is not in force")


def _check_nonce(response: ocsp.OCSPResponse, nonce: bytes) -> None:
    given = [one.value.nonce for one in response.extensions if isinstance(one.value, x509.OCSPNonce)]
    if given not in ([], [nonce]):
        raise RevocationRefusedError("the answer was made for another request")


def _status(
    response: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> CertificateStatus:
    found = next(_about(response, leaf, issuer), None)
    if found is None:
        raise RevocationRefusedError("the answer is about another certificate")
    good_until = found.next_update_utc or found.this_update_utc + DAY
    if found.this_update_utc > now + SKEW or good_until <= now:
        raise RevocationRefusedError("the answer is not of now: it was made for another time, or a clock is wrong")
    if found.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise RevocationRefusedError("the responder does not know the certificate")
    if found.revocation_time_utc is None:
        return CertificateStatus(None, good_until)
    name = IssuerAndSerial.of(leaf)
    return CertificateStatus(Revocation.of(name, found.revocation_time_utc, found.revocation_reason), good_until)


def _about(
    response: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate
) -> Iterator[ocsp.OCSPSingleResponse]:
    for one in response.responses:
        asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, one.hash_algorithm).build()
        hashes = (asked.issuer_name_hash, asked.issuer_key_hash)
        if one.serial_number == leaf.serial_number and hashes == (one.issuer_name_hash, one.issuer_key_hash):
            yield one


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """Whether the answer says that it comes from whom this certificate is of (RFC 6960, section 4.2.1, ResponderID)."""
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    return response.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _holds(response: ocsp.OCSPResponse, key: object) -> bool:
    signature, signed, digest = response.signature, response.tbs_response_bytes, response.signature_hash_algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(signature, signed, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
