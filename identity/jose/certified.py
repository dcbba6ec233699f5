"""Issuers that are known by their authorities: the key of a certificate, once its chain is found to hold.

Rules
- One of the configured anchors stands above the chain (`keys.path`: names, signatures, basic constraints); without
  anchors nobody is believed.
- The leaf states one of the purposes wanted, is no authority itself, and may sign.
- Every certificate, the anchor included, is good at the moment in question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.errors import IssuerUntrustedError, TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.outcome import Check
from keys.errors import CertificateMismatchError
from keys.path import Purposes, led_to
from keys.profile import UNREADABLE, extension

MAX_CERTIFICATES: Final = 4
"""Of a chain: a signer and more intermediates than any scheme has."""

MDL_DOCUMENT_SIGNER: Final = x509.ObjectIdentifier("1.0.18013.5.1.2")
"""ISO/IEC 18013-5, annex B.1.4: who signs mobile documents; the EU's schemes took it over."""


@dataclass(frozen=True)
class Known:
    """Who signs, as far as a verifier knows them."""

    name: str
    """An issuer's own, where it is known by that; otherwise that of the authority which certifies it."""

    key: PublicKey


def certified_key(
    chain: Sequence[bytes], anchors: Sequence[x509.Certificate], purposes: Purposes, now: datetime
) -> Known:
    """The key of the leaf of a DER chain, leaf first, without its anchor, and that anchor's name.

    Raises TokenUnreadableError, IssuerUntrustedError under no anchor, TokenInvalidError out of time.
    """
    if not 0 < len(chain) <= MAX_CERTIFICATES:
        raise TokenUnreadableError(f"an issuer's chain has 1 to {MAX_CERTIFICATES} certificates")
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        key = certificates[0].public_key()
        fitting = _signs(certificates[0], purposes)
    except UNREADABLE as error:
        raise TokenUnreadableError("the issuer's certificate cannot be read") from error
    good = [anchor for anchor in anchors if _is_good(anchor, now)]
    try:
        anchor = led_to(certificates, good, purposes)
    except CertificateMismatchError as error:
        raise IssuerUntrustedError("no authority believed here stands above the issuer's certificate") from error
    if not (fitting and isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey)):
        raise IssuerUntrustedError("the issuer's certificate is not for signing such documents")
    if not all(_is_good(certificate, now) for certificate in certificates):
        raise TokenInvalidError(Check.VALIDITY, "the issuer's certificate has ended, or has not begun")
    return Known(anchor.subject.rfc4514_string(), key)


def _signs(leaf: x509.Certificate, purposes: Purposes) -> bool:
    stated, usage = extension(leaf, x509.ExtendedKeyUsage), extension(leaf, x509.KeyUsage)
    constraints = extension(leaf, x509.BasicConstraints)
    is_authority = constraints is not None and constraints.value.ca
    may_sign = usage is not None and usage.value.digital_signature
    return stated is not None and bool(purposes & frozenset(stated.value)) and may_sign and not is_authority


def _is_good(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
