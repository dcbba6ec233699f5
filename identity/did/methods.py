"""DIDs to keys, where the DID itself says the key: did:key, did:jwk. Nothing is fetched.

Rules
- One DID, one key, one verification method, which may be used for every purpose of signing.
- Only Ed25519, P-256 and P-384, and BLS12-381 for bbs-2023; of exactly their length; a point on its curve (of
  BLS12-381 when it is used).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.encoding import base64url, multibase
from identity.encoding.strict_json import read_object
from identity.errors import DidKeyLengthError, DidUnreadableError, DidUnsupportedError, TokenUnreadableError
from identity.jose.jwk import CURVES, PublicKey, read_jwk

SIGNING_PURPOSES: Final = frozenset(
    {"assertionMethod", "authentication", "capabilityDelegation", "capabilityInvocation"}
)
"""Verification relationships of a key that signs (Controlled Identifiers 1.0 §2.3)."""

ED25519_PREFIX: Final = bytes.fromhex("ed01")
POINTS: Final = {bytes.fromhex("8024"): ("P-256", 33), bytes.fromhex("8124"): ("P-384", 49)}
"""Multicodec prefix → curve, length of a compressed point (Controlled Identifiers 1.0 §2.2.2)."""

BLS_PREFIX: Final = bytes.fromhex("eb01")
LENGTHS: Final = {ED25519_PREFIX: 32, BLS_PREFIX: 96, **{prefix: length for prefix, (_, length) in POINTS.items()}}
"""Bytes of a key behind its prefix."""

MAX_JWK: Final = 1024
"""Characters of a did:jwk: one of ours has 170."""


@dataclass(frozen=True)
class BlsKey:
    """A public key of BLS12-381 in G2, compressed, as it was read."""

    octets: bytes


VerificationKey = PublicKey | BlsKey


@dataclass(frozen=True)
class VerificationMethod:
    """A key, and what it may be used for."""

    id: str
    """A DID URL with a fragment."""

    controller: str
    """The DID."""

    key: VerificationKey
    purposes: frozenset[str] = SIGNING_PURPOSES


Resolver = Callable[[str], VerificationMethod]
"""From a verification method's id. Raises DidError."""


def resolve(method: str) -> VerificationMethod:
    """The verification method of that id, of any method here. Raises DidError's kinds."""
    did, _, fragment = method.partition("#")
    name = did.removeprefix("did:").partition(":")[0] if did.startswith("did:") else ""
    if name not in _METHODS:
        raise DidUnsupportedError(f"{method!r}: DIDs are {' and '.join(f'did:{known}' for known in sorted(_METHODS))}")
    key, expected = _METHODS[name](did)
    if fragment != expected:
        raise DidUnreadableError(f"{method!r}: the verification method of this DID is #{expected}")
    return VerificationMethod(method, did, key)


def did_key(key: VerificationKey) -> str:
    """The did:key of a key. Raises ValueError for another curve."""
    return f"did:key:{multikey(key)}"


def method_of(did: str) -> str:
    """The id of the one verification method of a did:key or did:jwk. Raises DidError's kinds."""
    name = did.removeprefix("did:").partition(":")[0]
    if name not in _METHODS:
        raise DidUnsupportedError(f"{did!r} has no verification method that its name gives")
    return f"{did}#{_METHODS[name](did)[1]}"


def multikey(key: VerificationKey) -> str:
    """The `publicKeyMultibase` of a key. Raises ValueError for another curve."""
    if isinstance(key, BlsKey):
        return multibase.encode(BLS_PREFIX + key.octets)
    if isinstance(key, Ed25519PublicKey):
        return multibase.encode(ED25519_PREFIX + key.public_bytes_raw())
    for prefix, (curve, _) in POINTS.items():
        if CURVES[curve].name == key.curve.name:
            return multibase.encode(prefix + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    raise ValueError(f"{key.curve.name} has no multikey here")


def read_multikey(text: str) -> VerificationKey:
    """The key of a `publicKeyMultibase`, base58btc only. Raises DidError's kinds."""
    if not text.startswith("z"):
        raise DidUnreadableError(f"{text!r} is not base58btc")
    try:
        data = multibase.decode(text)
        return _key(data[:2], data[2:])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DidUnreadableError(f"{text!r} is no key: {error}") from error


def _key(prefix: bytes, octets: bytes) -> VerificationKey:
    """Raises ValueError for what is no key, DidKeyLengthError, DidUnsupportedError for a kind we do not read."""
    if prefix not in LENGTHS:
        raise DidUnsupportedError(f"keys with the multicodec prefix {prefix.hex()} are not read here")
    if len(octets) != LENGTHS[prefix]:
        raise DidKeyLengthError(f"a key of {len(octets)} bytes instead of {LENGTHS[prefix]}")
    if prefix == ED25519_PREFIX:
        return Ed25519PublicKey.from_public_bytes(octets)
    if prefix == BLS_PREFIX:
        return BlsKey(octets)
    return EllipticCurvePublicKey.from_encoded_point(CURVES[POINTS[prefix][0]], octets)


def _from_did_key(did: str) -> tuple[VerificationKey, str]:
    multikey_text = did.removeprefix("did:key:")
    return read_multikey(multikey_text), multikey_text


def _from_did_jwk(did: str) -> tuple[VerificationKey, str]:
    text = did.removeprefix("did:jwk:")
    try:
        if len(text) > MAX_JWK:
            raise DidUnreadableError(f"a did:jwk of more than {MAX_JWK} characters")
        return read_jwk(read_object(base64url.decode(text, "a did:jwk"), "the JWK in it")), "0"
    except TokenUnreadableError as error:
        raise DidUnreadableError(str(error)) from error


_METHODS: Final[Mapping[str, Callable[[str], tuple[VerificationKey, str]]]] = {
    "jwk": _from_did_jwk,
    "key": _from_did_key,
}
"""Method → the key of a DID, and the fragment of its verification method."""
