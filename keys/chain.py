"""Certificate chains of claim keys: what must hold before one is used, and before an outside CA's is taken.

Rules
- A chain is PEM, the leaf first, then its intermediates; the root stays out, verifiers bring it.
- It belongs to one key, the leaf has the C2PA profile (`keys.profile`), and the path up from it holds (`keys.path`).
- It is good from when the last of its certificates begins until the first one ends.
- What an outside CA offers must besides be good now and lead to a root that comes with it or is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import CertificateExpiredError, CertificateMismatchError, CertificateNotYetValidError
from keys.path import check_path, is_issued_by
from keys.profile import PURPOSES, UNREADABLE, check_profile, named

RENEWAL: Final = "run `sigillo keys rotate` (with an outside CA: `sigillo keys csr`, then `sigillo keys install-chain`)"
"""What gives a claim key a certificate that lasts."""


@dataclass(frozen=True)
class Period:
    """From when until when (UTC) every certificate of a chain is good."""

    begins: datetime
    ends: datetime

    def require(self, now: datetime) -> None:
        """Raises CertificateExpiredError from `ends` on, CertificateNotYetValidError before `begins`."""
        if now >= self.ends:
            raise CertificateExpiredError(f"the claim certificate ended at {rfc3339(self.ends)}: {RENEWAL}")
        if now < self.begins:
            raise CertificateNotYetValidError(
                f"the claim certificate is good from {rfc3339(self.begins)} on: set this machine's clock, or wait"
            )


@dataclass(frozen=True)
class Offer:
    """What an outside CA gave, found good: PEM without the root, and the root."""

    chain: str
    root: str


def check_chain(chain: str, public_key: bytes) -> Period:
    """When a chain is good, once it is shown to be one of a DER SubjectPublicKeyInfo.

    Raises CertificateMismatchError.
    """
    certificates = parse(chain)
    if public_key in [key_of(certificate) for certificate in certificates[1:]]:
        raise CertificateMismatchError("the chain is in the wrong order: leaf first, then its intermediate")
    check_profile(certificates[0])
    if key_of(certificates[0]) != public_key:
        raise CertificateMismatchError("the certificate was issued for another key: issue one for this version")
    check_path(certificates, PURPOSES)
    return _period(certificates)


def offered(text: str, roots: str, public_key: bytes, now: datetime) -> Offer:
    """An outside CA's chain for this key; the root may be its last certificate, or among `roots` (PEM, or empty).

    Raises CertificateMismatchError, with what to ask the CA for.
    """
    given = parse(text)
    brought = [given[-1]] if len(given) > 1 and _is_self_issued(given[-1]) else []
    certificates = given[: len(given) - len(brought)]
    chain = pem(certificates)
    check_chain(chain, public_key)
    root = _root(certificates, [*brought, *(parse(roots) if roots else ())])
    for certificate in (*certificates, root):
        _require_good(certificate, now)
    return Offer(chain, pem([root]))


def parse(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, one at least. Raises CertificateMismatchError."""
    try:
        return x509.load_pem_x509_certificates(text.encode("ascii"))
    except UNREADABLE as error:
        raise CertificateMismatchError(
            "the certificate chain is not PEM: give certificates, each beginning with -----BEGIN CERTIFICATE-----"
        ) from error


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """PEM text, each certificate ending in a newline."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in certificates)


def key_of(certificate: x509.Certificate) -> bytes:
    """Its key, as DER SubjectPublicKeyInfo. Raises CertificateMismatchError for one that nobody can use."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE as error:
        raise CertificateMismatchError(f"the key of {named(certificate)} cannot be read [{error}]") from error


def leaf_digest(chain: str) -> str:
    """SHA-256 of the leaf's DER, hex; empty for no chain."""
    return parse(chain)[0].fingerprint(SHA256()).hex() if chain else ""


def rfc3339(moment: datetime) -> str:
    """A UTC moment to the second, as statuses and messages show it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _root(certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> x509.Certificate:
    fitting = (root for root in roots if _is_self_issued(root) and is_issued_by(certificates[-1], root))
    root = next(fitting, None)
    if root is None:
        issuer = certificates[-1].issuer.rfc4514_string()
        raise CertificateMismatchError(
            f"no known root signed the last certificate of the chain: add that of {issuer!r} to the file, or give it "
            "with --root"
        )
    check_path(certificates, PURPOSES, root)
    return root


def _require_good(certificate: x509.Certificate, now: datetime) -> None:
    if now >= certificate.not_valid_after_utc:
        ended = rfc3339(certificate.not_valid_after_utc)
        raise CertificateMismatchError(f"the certificate of {named(certificate)} ended at {ended}: ask for another")
    if now < certificate.not_valid_before_utc:
        begins = rfc3339(certificate.not_valid_before_utc)
        raise CertificateMismatchError(
            f"the certificate of {named(certificate)} is not valid before {begins}: install it then"
        )


def _period(certificates: Sequence[x509.Certificate]) -> Period:
    return Period(
        max(certificate.not_valid_before_utc for certificate in certificates),
        min(certificate.not_valid_after_utc for certificate in certificates),
    )


def _is_self_issued(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject
