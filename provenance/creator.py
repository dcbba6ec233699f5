"""`org.sigillo.creator-signature`: what a creator signs with a key of their own, beside the platform's signature.

Made before the manifest is (ADR 0033): over the digest of the file as it is handed in, and over what the claim is to
say of it. Whoever verifies the manifest holds it against `org.sigillo.content` and the claim's own words.

Rules
- What is signed begins with words that no other protocol signs, and is text word for word: nothing is written anew.
- A passkey has no name to say: of whoever signs with one, what the platform vouches for is told, and nothing else.
- What it is worth: `provenance.creator_judging`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypeIs

from provenance.creator_passkey import PasskeyAnswer, PasskeyAnswerError

CREATOR_LABEL: Final = "org.sigillo.creator-signature"
DOMAIN: Final = b"Sigillo creator signature, version 1\n"
MAX_STATEMENT: Final = 8192
MAX_CERTIFICATE: Final = 8192
MAX_CHAIN: Final = 5
MAX_NAME: Final = 100
MAX_ADDRESS: Final = 300
"""A did:web of the longest host that DNS has (253), with its port."""

MIN_RSA_BITS: Final = 2048

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_CLOSED: Final = ConfigDict(extra="forbid")
Name = Annotated[str, Field(strict=True, max_length=MAX_NAME)]
Word = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_NAME)]
Base64 = Annotated[str, Field(strict=True, max_length=MAX_CERTIFICATE, pattern="^[A-Za-z0-9+/]+={0,2}$")]


@with_config(_CLOSED)
@dataclass(frozen=True)
class CreatorStatement:
    """What a creator says of one file."""

    name: Name
    """As they want to be called. Nobody has checked it but whoever certified the key. Empty where a passkey signs."""

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

    def signed_over(self, _said: CreatorStatement) -> bytes:
        """The bytes that the signature is over. Raises PasskeyAnswerError."""
        return over(self.statement)


@with_config(_CLOSED)
@dataclass(frozen=True)
class Vouched:
    """What the platform says, in the manifest it signs, of whose passkey it was: as it knew it then."""

    by: Annotated[str, Field(strict=True, min_length=1, max_length=MAX_ADDRESS)]
    """Its DID, or where it is reached."""

    verified: Annotated[bool, Field(strict=True)]
    """Whether it knows who that is, by its own rules."""

    level: Word
    since: Annotated[str, Field(strict=True, max_length=10)] | None
    """The day since which the account has had this level, ISO 8601."""


@with_config(_CLOSED)
@dataclass(frozen=True, kw_only=True)
class PasskeySignature(CreatorSignature):
    """A statement, signed with a passkey: its key may be RSA, too, and the signature is over the authenticator's answer
    to the statement.
    """

    passkey: PasskeyAnswer
    vouched: Vouched

    def signed_over(self, said: CreatorStatement) -> bytes:
        """As above."""
        if said.name or self.chain:
            raise PasskeyAnswerError("a passkey says no name, and has no certificate")
        return self.passkey.signed_over(super().signed_over(said))


def written(statement: CreatorStatement) -> str:
    """A statement as text."""
    return json.dumps(asdict(statement), sort_keys=True, ensure_ascii=False)


def over(statement: str) -> bytes:
    """What is signed of it."""
    return DOMAIN + statement.encode()


class CreatorKeyError(ValueError):
    """It is no key that creators sign with, or the certificate is another key's."""


def sign_statement(
    private: object, statement: CreatorStatement, chain: Sequence[x509.Certificate] = ()
) -> CreatorSignature:
    """Sign with the creator's own key. Raises CreatorKeyError."""
    if not _may_sign(private):
        raise CreatorKeyError("a creator signs with a P-256 or Ed25519 key")
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if chain and spki(chain[0]) != public:
        raise CreatorKeyError("the certificate is for another key")
    text = written(statement)
    message = over(text)
    signed = (
        private.sign(message)
        if isinstance(private, ed25519.Ed25519PrivateKey)
        else private.sign(message, ec.ECDSA(SHA256()))
    )
    ders = (one.public_bytes(Encoding.DER) for one in chain)
    return CreatorSignature(text, _base64(public), _base64(signed), tuple(map(_base64, ders)))


def spki(certificate: x509.Certificate) -> bytes:
    """A certificate's key, SubjectPublicKeyInfo."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _may_sign(key: object) -> TypeIs[PrivateKey]:
    p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return p256 or isinstance(key, ed25519.Ed25519PrivateKey)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
