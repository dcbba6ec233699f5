"""`org.sigillo.creator-signature`: what a creator signs with a key of their own, beside the platform's signature.

Made before the manifest is (ADR 0033): over the digest of the file as it is handed in, and over what the claim is to
say of it. Whoever verifies the manifest holds it against `org.sigillo.content` and the claim's own words.

Rules
- What is signed begins with words that no other protocol signs, and is text word for word: nothing is written anew.
- It holds or not by itself; whose key it is, only certificates under a trusted root say. A bare key vouches for nobody.
- A statement says one thing about one file: other content, title or source types than the manifest's are *invalid*.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypeIs

from keys.errors import CertificateMismatchError
from keys.path import Purposes, led_to
from keys.profile import UNREADABLE
from provenance.report import StatedCreator, legible
from provenance.verdict import Verdict

CREATOR_LABEL: Final = "org.sigillo.creator-signature"
DOMAIN: Final = b"Sigillo creator signature, version 1\n"
MAX_STATEMENT: Final = 8192
MAX_CERTIFICATE: Final = 8192
MAX_CHAIN: Final = 5
MAX_NAME: Final = 100

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_CLOSED: Final = ConfigDict(extra="forbid")
Name = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_NAME)]
Base64 = Annotated[str, Field(strict=True, max_length=MAX_CERTIFICATE, pattern="^[A-Za-z0-9+/]+={0,2}$")]


@with_config(_CLOSED)
@dataclass(frozen=True)
class CreatorStatement:
    """What a creator says of one file."""

    name: Name
    """As they want to be called. Nobody has checked it but whoever certified the key."""

    sha256: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}\z")]
    """Of the file as it is handed in."""

    title: Annotated[str, Field(strict=True, max_length=200)]
    source_types: Annotated[tuple[str, ...], Field(max_length=100)]
    """Of the claim's actions, each once, in the order of the alphabet."""


@with_config(_CLOSED)
@dataclass(frozen=True)
class CreatorSignature:
    """A statement, signed: the data of the assertion."""

    statement: Annotated[str, Field(strict=True, max_length=MAX_STATEMENT)]
    """A CreatorStatement in JSON, word for word as it was signed."""

    key: Base64
    """SubjectPublicKeyInfo, base64: P-256 or Ed25519."""

    signature: Base64
    """Of DOMAIN and the statement in UTF-8: ECDSA with SHA-256 (DER), or Ed25519."""

    chain: Annotated[tuple[Base64, ...], Field(max_length=MAX_CHAIN)] = ()
    """Certificates of that key (DER, base64), leaf first; empty for a bare key."""

    @property
    def key_sha256(self) -> str:
        """Of its key, hexadecimal."""
        return hashlib.sha256(base64.b64decode(self.key)).hexdigest()


STATEMENT: Final = TypeAdapter(CreatorStatement)
SIGNATURE: Final = TypeAdapter(CreatorSignature)


class CreatorKeyError(ValueError):
    """It is no key that creators sign with, or the certificate is another key's."""


def sign_statement(
    private: object, statement: CreatorStatement, chain: Sequence[x509.Certificate] = ()
) -> CreatorSignature:
    """Sign with the creator's own key. Raises CreatorKeyError."""
    if not _may_sign(private):
        raise CreatorKeyError("a creator signs with a P-256 or Ed25519 key")
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if chain and _spki(chain[0]) != public:
        raise CreatorKeyError("the certificate is for another key")
    text = json.dumps(asdict(statement), sort_keys=True, ensure_ascii=False)
    message = DOMAIN + text.encode()
    signed = (
        private.sign(message)
        if isinstance(private, ed25519.Ed25519PrivateKey)
        else private.sign(message, ec.ECDSA(SHA256()))
    )
    ders = (one.public_bytes(Encoding.DER) for one in chain)
    return CreatorSignature(text, _base64(public), _base64(signed), tuple(map(_base64, ders)))


def judged(
    data: object,
    expected: CreatorStatement | None,
    roots: Sequence[x509.Certificate],
    purposes: Purposes,
    at: datetime,
) -> StatedCreator:
    """What an assertion is worth. `expected` is what the manifest itself says, its name of no account; None where it
    does not say what its content is. `at` is when it was signed, or now.
    """
    try:
        signed = SIGNATURE.validate_python(data)
        said = STATEMENT.validate_json(signed.statement)
    except ValidationError:
        return StatedCreator(None, Verdict.UNREADABLE, "the assertion is not of its form")
    name, key = legible(said.name), signed.key_sha256
    if fault := _fault(signed) or _difference(said, expected):
        return StatedCreator(name, Verdict.INVALID, fault, key)
    doubt = _doubt(signed, roots, purposes, at)
    return StatedCreator(name, Verdict.UNTRUSTED if doubt else Verdict.TRUSTED, doubt, key, _subject(signed))


def _fault(signed: CreatorSignature) -> str:
    """Why the signature does not hold; empty where it does."""
    try:
        key = load_der_public_key(base64.b64decode(signed.key))
        signature, message = base64.b64decode(signed.signature), DOMAIN + signed.statement.encode()
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            key.verify(signature, message, ec.ECDSA(SHA256()))
        else:
            return "its key is neither P-256 nor Ed25519"
        if signed.chain and _spki(_certificates(signed)[0]) != base64.b64decode(signed.key):
            return "the certificate is for another key"
    except InvalidSignature:
        return "the signature does not hold"
    except UNREADABLE:
        return "its key or its certificates cannot be read"
    return ""


def _difference(said: CreatorStatement, expected: CreatorStatement | None) -> str:
    if expected is None:
        return "the manifest does not say which content it is of"
    compared = {"content": "sha256", "title": "title", "origin (digital source types)": "source_types"}
    other = next((what for what, field in compared.items() if getattr(said, field) != getattr(expected, field)), "")
    return f"it was signed for another {other}" if other else ""


def _doubt(signed: CreatorSignature, roots: Sequence[x509.Certificate], purposes: Purposes, at: datetime) -> str:
    """Why nobody who is trusted vouches for the key; empty where somebody does."""
    if not signed.chain:
        return "it holds, and nobody vouches for the key"
    try:
        chain = _certificates(signed)
        led_to(chain, roots, purposes)
        if any(not one.not_valid_before_utc <= at < one.not_valid_after_utc for one in chain):
            return "it holds, and its certificate was not good at that time"
    except (CertificateMismatchError, *UNREADABLE) as error:
        return f"it holds, and nobody who is trusted certifies the key ({legible(str(error))})"
    return ""


def _certificates(signed: CreatorSignature) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(base64.b64decode(one)) for one in signed.chain]


def _subject(signed: CreatorSignature) -> str | None:
    return legible(_certificates(signed)[0].subject.rfc4514_string()) if signed.chain else None


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _may_sign(key: object) -> TypeIs[PrivateKey]:
    p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return p256 or isinstance(key, ed25519.Ed25519PrivateKey)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
