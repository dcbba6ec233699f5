"""Keys that sign in tests: from a seed, deterministic, with signatures in the key store's raw form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from identity.did.methods import VerificationMethod, did_key, method_of, resolve
from identity.encoding import multibase
from identity.jose.jwk import PublicKey
from identity.jsonld.context_library import CREDENTIALS_V2
from tests.identity.published import VECTORS, Vector


@dataclass(frozen=True)
class Issuer:
    """One private key."""

    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, suite: str, number: int = 0) -> Self:
        """A key of the suite's first kind."""
        seed = sha256(f"{suite}/{number}".encode()).digest()
        if suite.startswith("eddsa"):
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        return cls(ec.derive_private_key(int.from_bytes(seed), ec.SECP256R1()))

    @classmethod
    def published(cls, vector: Vector) -> Issuer:
        """The key that made a vector."""
        name = "ecdsa/p384KeyPair" if "p384" in vector.folder else "ecdsa/p256KeyPair"
        pair = json.loads(
            (VECTORS / f"{name if vector.folder.startswith('ecdsa') else 'eddsa/keyPair'}.json").read_text()
        )
        secret = multibase.decode(pair.get("secretKeyMultibase") or pair["privateKeyMultibase"])[2:]
        if vector.folder.startswith("eddsa"):
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(secret))
        curve = ec.SECP384R1() if "p384" in vector.folder else ec.SECP256R1()
        return cls(ec.derive_private_key(int.from_bytes(secret), curve))

    @property
    def public(self) -> PublicKey:
        return self.private.public_key()

    @property
    def did(self) -> str:
        return did_key(self.public)

    @property
    def method(self) -> VerificationMethod:
        return resolve(method_of(self.did))

    def presenting(self, *credentials: Mapping[str, Any], **members: object) -> dict[str, Any]:
        """A presentation by whoever has this key, without a proof."""
        return {
            "@context": [CREDENTIALS_V2],
            "type": ["VerifiablePresentation"],
            "holder": self.did,
            "verifiableCredential": list(credentials),
            **members,
        }

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        octets = self.private.key_size // 8
        digest = SHA384() if octets == 48 else SHA256()
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(digest, deterministic_signing=True)))
        return r.to_bytes(octets) + s.to_bytes(octets)
