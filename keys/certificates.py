"""Certificates of claim keys: the C2PA profile, the development CA, and what must hold before one is used.

Rules
- A leaf is X.509 v3 with digitalSignature (critical), CA:FALSE (critical), subject and authority key
  identifiers, and the extended key usages emailProtection and documentSigning: readers accept the first
  by default, the second says what the key is for (C2PA 2.2 §14.5.1).
- A chain is PEM, the leaf first, then its intermediate; the root stays out, verifiers bring it.
- The development root's key signs one intermediate and is then forgotten: nothing can ask for it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.errors import CertificateExpiredError, CertificateMismatchError

LEAF_DAYS: Final = 365
"""A year. Time-stamps let signatures outlive it; a file without one turns invalid with its leaf."""

AUTHORITY_DAYS: Final = 3650
BACKDATE: Final = timedelta(minutes=5)
"""Clocks differ a little; a certificate of the present second must not be in someone's future."""

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
ORGANIZATION: Final = "Sigillo"
LEAF_NAME: Final = "Sigillo claim signer"
ROOT_NAME: Final = "Sigillo development root"
INTERMEDIATE_NAME: Final = "Sigillo development intermediate"


@dataclass(frozen=True)
class DevelopmentCA:
    """A root that nobody else trusts, and the intermediate that issues under it."""

    root: x509.Certificate
    intermediate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    """The intermediate's."""

    def issue(self, public_key: bytes, now: datetime) -> str:
        """The chain (PEM) for a claim key given as DER SubjectPublicKeyInfo, lasting LEAF_DAYS from `now`.

        Raises CertificateMismatchError for a key of another kind.
        """
        subject = load_der_public_key(public_key)
        if not (isinstance(subject, ec.EllipticCurvePublicKey) and isinstance(subject.curve, ec.SECP256R1)):
            raise CertificateMismatchError("claim certificates are issued for P-256 keys")
        leaf = (
            _builder(LEAF_NAME, subject, now, LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(leaf=True), critical=True)
            .add_extension(_LEAF_USES, critical=False)
        )
        return pem(_sign(leaf, self.intermediate, self.key)) + pem(self.intermediate)


def development_ca(now: datetime) -> DevelopmentCA:
    """A new root and intermediate, valid for AUTHORITY_DAYS from `now`."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    builder = _authority(ROOT_NAME, root_key.public_key(), now, path_length=1)
    root = _sign(builder, None, root_key)
    builder = _authority(INTERMEDIATE_NAME, key.public_key(), now, path_length=0)
    return DevelopmentCA(root, _sign(builder, root, root_key), key)


def pem(certificate: x509.Certificate) -> str:
    """PEM text, ending in a newline."""
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def check_chain(chain: str, public_key: bytes) -> datetime:
    """The moment (UTC) at which a chain ends, once it is shown to belong to a DER SubjectPublicKeyInfo.

    The leaf must carry that key and each certificate be signed by the next. Raises CertificateMismatchError.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode("ascii"))
    except ValueError as error:
        raise CertificateMismatchError("the certificate chain is not PEM: set it again") from error
    offered = certificates[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if offered != public_key:
        raise CertificateMismatchError("the certificate was issued for another key: issue one for this version")
    for issued, issuer in pairwise(certificates):
        try:
            issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise CertificateMismatchError("the chain is broken: leaf first, then its intermediate") from error
    return min(certificate.not_valid_after_utc for certificate in certificates)


def require_current(ends: datetime, now: datetime) -> None:
    """Raises CertificateExpiredError from `ends` on."""
    if now >= ends:
        raise CertificateExpiredError(
            f"the claim certificate ended at {rfc3339(ends)}: issue another "
            "(embedded keys: rotate the claim key; Vault: run the bootstrap again)"
        )


def rfc3339(moment: datetime) -> str:
    """A UTC moment to the second, as statuses and messages show it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_LEAF_USES: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING])


def subject_name(common_name: str) -> x509.Name:
    """The distinguished name our certificates carry."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _authority(
    common_name: str, key: ec.EllipticCurvePublicKey, now: datetime, *, path_length: int
) -> x509.CertificateBuilder:
    return (
        _builder(common_name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(leaf=False), critical=True)
    )


def _builder(common_name: str, key: ec.EllipticCurvePublicKey, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject_name(common_name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign(
    builder: x509.CertificateBuilder, issuer: x509.Certificate | None, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Sign under `issuer`, or with none the certificate itself: a root."""
    name = issuer.subject if issuer else subject_name(ROOT_NAME)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.issuer_name(name).add_extension(authority, critical=False).sign(key, SHA256())


def _key_usage(*, leaf: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=leaf,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not leaf,
        crl_sign=not leaf,
        encipher_only=False,
        decipher_only=False,
    )
