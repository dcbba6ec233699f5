"""What a claim certificate must be: the C2PA profile (C2PA 2.2 §14.5.1), a sentence for each way to miss it.

Where the specification only recommends (a critical key usage, a subject key identifier), we ask for it: every reader
then takes the same view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.errors import CertificateMismatchError

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
C2PA_CLAIM_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
PURPOSES: Final = frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING})
"""Extended key usages under which a reader accepts a claim; one will do."""

OTHER_PURPOSES: Final = frozenset({ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING})
"""A certificate with one of these is for that alone."""

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` says of certificates, and of what their issuers say of them, that it cannot read."""

_DIGESTS: Final = (SHA256, SHA384, SHA512)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def check_profile(leaf: x509.Certificate) -> None:
    """Raises CertificateMismatchError, with what to ask the authority for."""
    try:
        fault = next((sentence for holds, sentence in _RULES if not holds(leaf)), None)
    except UNREADABLE as error:
        raise CertificateMismatchError(
            f"the certificate of {named(leaf)} cannot be read: ask for another [{error}]"
        ) from error
    if fault:
        raise CertificateMismatchError(f"the certificate of {named(leaf)} does not fit: {fault}")


def named(certificate: x509.Certificate) -> str:
    """Its subject, for messages."""
    try:
        return repr(certificate.subject.rfc4514_string())
    except UNREADABLE:
        return "a subject that cannot be read"


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> x509.Extension[_Extension] | None:
    """One extension; None where it has none. Raises what UNREADABLE lists."""
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def is_claim_key(key: object) -> bool:
    """Whether it is of a kind that we sign claims with: P-256 or Ed25519."""
    p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return p256 or isinstance(key, ed25519.Ed25519PublicKey)


def _digest(leaf: x509.Certificate) -> bool:
    """Ed25519 names none."""
    return leaf.signature_hash_algorithm is None or isinstance(leaf.signature_hash_algorithm, _DIGESTS)


def _is_leaf(leaf: x509.Certificate) -> bool:
    constraints = extension(leaf, x509.BasicConstraints)
    return constraints is not None and not constraints.value.ca


def _signs(leaf: x509.Certificate) -> bool:
    usage = extension(leaf, x509.KeyUsage)
    return usage is not None and usage.critical and usage.value.digital_signature


def _certifies_nobody(leaf: x509.Certificate) -> bool:
    usage = extension(leaf, x509.KeyUsage)
    return usage is not None and not usage.value.key_cert_sign


def _purposes(leaf: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    found = extension(leaf, x509.ExtendedKeyUsage)
    return frozenset(found.value) if found else frozenset()


def _has(kind: type[Any]) -> Callable[[x509.Certificate], bool]:
    return lambda leaf: extension(leaf, kind) is not None


_RULES: Final[tuple[tuple[Callable[[x509.Certificate], bool], str], ...]] = (
    (lambda leaf: leaf.version is x509.Version.v3, "it is not X.509 version 3; ask for one that is"),
    (
        lambda leaf: is_claim_key(leaf.public_key()),
        "its key is neither P-256 nor Ed25519; give the CA the request that `sigillo keys csr` prints",
    ),
    (_digest, "it is not signed with SHA-256, SHA-384, SHA-512 or Ed25519; ask for one that is"),
    (_is_leaf, "it may itself certify others, or does not say; ask for Basic Constraints CA:FALSE"),
    (_signs, "it is not for signatures; ask for the key usage digitalSignature, critical"),
    (_certifies_nobody, "its key usage has keyCertSign, which belongs to authorities; ask for one without"),
    (
        lambda leaf: ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in _purposes(leaf),
        "it is for any purpose (anyExtendedKeyUsage), which C2PA forbids; ask for emailProtection or documentSigning",
    ),
    (
        lambda leaf: not _purposes(leaf) & OTHER_PURPOSES,
        "it is for time-stamps or OCSP answers, and must then be for nothing else; ask for one for claims",
    ),
    (
        lambda leaf: bool(_purposes(leaf) & PURPOSES),
        "its purpose is another; ask for emailProtection, documentSigning or C2PA's 1.3.6.1.4.1.62558.2.1",
    ),
    (_has(x509.AuthorityKeyIdentifier), "it lacks an authority key identifier; ask for one with"),
    (_has(x509.SubjectKeyIdentifier), "it lacks a subject key identifier; ask for one with"),
)
