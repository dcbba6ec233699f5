"""Answers encrypted to a key of one exchange: JSON Web Encryption in compact form (RFC 7516, RFC 7518, section 4.6).

Rules
- ECDH-ES alone, on P-256, so that each message has a key of its own and no key is wrapped; AES-GCM for what is said.
- The private key answers one exchange and is forgotten with it. Who knows the public one may write: what it says has
  to hold by itself.
- No compression, no extension (`crit`): neither is understood here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import read_jwk, thumbprint, write_jwk
from identity.outcome import Check
from keys.clock import Entropy

AGREEMENT: Final = "ECDH-ES"
CIPHERS: Final[Mapping[str, int]] = {"A128GCM": 16, "A256GCM": 32}
"""Bytes of the key, by `enc`."""

KEY_ID: Final = "1"
"""Of the only key there is."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SEED_BYTES: Final = 40
"""64 bits more than the order, so that the remainder favours no key (FIPS 186-5, A.2.1)."""


@dataclass(frozen=True)
class DecryptionKey:
    """The verifier's end of one exchange."""

    secret: int = field(repr=False)

    @classmethod
    def draw(cls, entropy: Entropy) -> Self:
        """A new one."""
        return cls(int.from_bytes(entropy(_SEED_BYTES)) % (_ORDER - 1) + 1)

    @property
    def jwk(self) -> dict[str, str]:
        """What the other side encrypts to."""
        return {**self._public, "kid": KEY_ID, "use": "enc", "alg": AGREEMENT}

    @property
    def thumbprint(self) -> bytes:
        """Of the public key."""
        return thumbprint(self._public)

    def decrypt(self, compact: str) -> bytes:
        """What was encrypted to this key. Raises TokenUnreadableError, TokenInvalidError."""
        parts = compact.split(".")
        if len(parts) != 5:
            raise TokenUnreadableError("an encrypted token is five parts with dots between them")
        protected, wrapped, nonce, ciphertext, tag = (base64url.decode(part, "a part of the token") for part in parts)
        header = read_object(protected, "the token's header")
        cipher = header.get("enc")
        if header.get("alg") != AGREEMENT or not (isinstance(cipher, str) and cipher in CIPHERS) or wrapped:
            raise TokenInvalidError(Check.ALGORITHM, f"it is not encrypted by {AGREEMENT} and {', '.join(CIPHERS)}")
        if "crit" in header or "zip" in header or (len(nonce), len(tag)) != (12, 16):
            raise TokenInvalidError(Check.ALGORITHM, "the token demands what is not understood here (crit, zip)")
        key = self._agreed(header, cipher)
        try:
            return AESGCM(key).decrypt(nonce, ciphertext + tag, parts[0].encode())
        except InvalidTag as error:
            raise TokenInvalidError(Check.SIGNATURE, "it was not encrypted to this key, or was changed") from error

    def _agreed(self, header: Mapping[str, object], cipher: str) -> bytes:
        """The key of this message (RFC 7518, section 4.6.2)."""
        theirs = read_jwk(header.get("epk"))
        if not isinstance(theirs, EllipticCurvePublicKey) or theirs.curve.name != SECP256R1.name:
            raise TokenInvalidError(Check.ALGORITHM, "the token's epk is not on P-256")
        octets = CIPHERS[cipher]
        parties = (_party(header, name) for name in ("apu", "apv"))
        told = b"".join(map(_prefixed, (cipher.encode(), *parties))) + (octets * 8).to_bytes(4)
        return ConcatKDFHash(SHA256(), octets, told).derive(self._private.exchange(ECDH(), theirs))

    @property
    def _private(self) -> EllipticCurvePrivateKey:
        return derive_private_key(self.secret, SECP256R1())

    @property
    def _public(self) -> dict[str, str]:
        return write_jwk(self._private.public_key())


def _party(header: Mapping[str, object], name: str) -> bytes:
    stated = header.get(name, "")
    if not isinstance(stated, str):
        raise TokenUnreadableError(f"the token's {name} is not text")
    return base64url.decode(stated, f"the token's {name}")


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
