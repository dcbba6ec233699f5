"""Signatures over bytes, whatever a token's format calls them.

Rules
- A scheme is a curve with its hash, or Ed25519; a key of another is refused before anything is computed.
- ECDSA signatures are the two numbers side by side, at full length (RFC 7518, section 3.4; RFC 9053, section 2.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from identity.errors import TokenInvalidError
from identity.jose.jwk import CURVES, PublicKey
from identity.outcome import Check


@dataclass(frozen=True)
class Ecdsa:
    """On the curve of that JOSE name."""

    curve: str
    digest: HashAlgorithm
    hashed: Callable[[bytes], hashlib._Hash]
    """By that digest. The library takes longer to look its own up than to hash a token."""

    @cached_property
    def algorithm(self) -> ECDSA:
        """As the library takes it, for what is hashed already."""
        return ECDSA(Prehashed(self.digest))

    @cached_property
    def curve_name(self) -> str:
        """As the library calls it."""
        return CURVES[self.curve].name

    @cached_property
    def octets(self) -> int:
        """Of each of a signature's two numbers."""
        return (CURVES[self.curve].key_size + 7) // 8


Scheme = Ecdsa | None

P256: Final[Scheme] = Ecdsa("P-256", SHA256(), hashlib.sha256)
P384: Final[Scheme] = Ecdsa("P-384", SHA384(), hashlib.sha384)
P521: Final[Scheme] = Ecdsa("P-521", SHA512(), hashlib.sha512)
ED25519: Final[Scheme] = None


def verify(scheme: Scheme, key: PublicKey, signature: bytes, message: bytes) -> None:
    """Raises TokenInvalidError unless `key` is of that scheme and signed the message."""
    try:
        if scheme is None and isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        elif scheme and isinstance(key, EllipticCurvePublicKey) and key.curve.name == scheme.curve_name:
            key.verify(_der(signature, scheme.octets), scheme.hashed(message).digest(), scheme.algorithm)
        else:
            raise TokenInvalidError(Check.ALGORITHM, "the algorithm named is not that of the key it is verified with")
    except InvalidSignature as error:
        raise TokenInvalidError(Check.SIGNATURE, "it was not signed by the key it is verified with") from error


def _der(signature: bytes, octets: int) -> bytes:
    """As the library takes it."""
    if len(signature) != 2 * octets:
        raise TokenInvalidError(Check.SIGNATURE, f"the signature is not {2 * octets} bytes")
    return encode_dss_signature(int.from_bytes(signature[:octets]), int.from_bytes(signature[octets:]))
