"""Certificates that we issue ourselves: requests for them, and the development CA.

Rules
- A leaf has the profile of `keys.profile`, with the extended key usages emailProtection and documentSigning:
  readers accept the first by default, the second says what the key is for.
- The development root's key signs one intermediate and is then forgotten: nothing can ask for it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.chain import pem
from keys.errors import CertificateMismatchError
from keys.profile import DOCUMENT_SIGNING, UNREADABLE, is_claim_key
from keys.signer import Purpose

ClaimPublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

LEAF_DAYS: Final = 365
"""A year. Time-stamps let signatures outlive it; a file without one turns invalid with its leaf."""

AUTHORITY_DAYS: Final = 3650
LIST_LIFE: Final = timedelta(days=3)
"""Of a revocation list; Vault's lasts as long."""

BACKDATE: Final = timedelta(minutes=5)
"""Clocks differ a little; a certificate of the present second must not be in someone's future."""

ORGANIZATION: Final = "Sigillo"
LEAF_NAME: Final = "Sigillo claim signer"
UNSEEN_LEAF_NAME: Final = "Sigillo claim signer, content not seen"
LEAF_NAMES: Final = {Purpose.CLAIM: LEAF_NAME, Purpose.CLAIM_UNSEEN: UNSEEN_LEAF_NAME}
"""What readers show as the signer."""

ROOT_NAME: Final = "Sigillo development root"
INTERMEDIATE_NAME: Final = "Sigillo development intermediate"
VAULT_ISSUER: Final = "Sigillo intermediate"


@dataclass(frozen=True)
class DevelopmentCA:
    """A root that nobody else trusts, and the intermediate that issues under it."""

    root: x509.Certificate
    intermediate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    """The intermediate's."""

    def issue(self, public_key: bytes, now: datetime, name: str = LEAF_NAME) -> str:
        """The chain (PEM) for a claim key given as DER SubjectPublicKeyInfo, lasting LEAF_DAYS from `now`.

        Raises CertificateMismatchError for a key of another kind.
        """
        subject = load_der_public_key(public_key)
        if not (is_claim_key(subject) and isinstance(subject, ClaimPublicKey)):
            raise CertificateMismatchError("claim certificates are issued for P-256 and Ed25519 keys")
        leaf = (
            _builder(name, subject, now, LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(leaf=True), critical=True)
            .add_extension(_LEAF_USES, critical=False)
        )
        return pem([_sign(leaf, self.intermediate, self.key), self.intermediate])

    def revocation_list(self, now: datetime) -> bytes:
        """PEM. It names nobody: what this authority issued is revoked in the service (ADR 0008), and who follows lists
        hears that it says no more.
        """
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.intermediate.subject)
        signed = builder.last_update(now).next_update(now + LIST_LIFE).sign(self.key, SHA256())
        return signed.public_bytes(Encoding.PEM)


def development_ca(now: datetime) -> DevelopmentCA:
    """A new root and intermediate, valid for AUTHORITY_DAYS from `now`."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    builder = _authority(ROOT_NAME, root_key.public_key(), now, path_length=1)
    root = _sign(builder, None, root_key)
    builder = _authority(INTERMEDIATE_NAME, key.public_key(), now, path_length=0)
    return DevelopmentCA(root, _sign(builder, root, root_key), key)


def is_development(certificate: x509.Certificate) -> bool:
    """Whether it is an authority of some embedded key store, as those are named: anybody may take another name, and
    then has an authority of their own.
    """
    try:
        return any(certificate.subject == subject_name(name) for name in (ROOT_NAME, INTERMEDIATE_NAME))
    except UNREADABLE:
        return False


def request(key: PrivateKey, subject: x509.Name) -> str:
    """A certificate signing request (PEM) for a key of ours. It carries a name and nothing else: the rest is the
    CA's to say.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM).decode("ascii")


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


def _builder(common_name: str, key: ClaimPublicKey, now: datetime, days: int) -> x509.CertificateBuilder:
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
