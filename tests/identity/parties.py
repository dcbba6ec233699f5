"""Issuers and holders with keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.jose.jwk import PublicKey
from keys.signer import Algorithm, KeyRef
from tests.simulators.key_store import SimulatedSigner

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Party:
    """Who signs, and the key that others know them by."""

    signer: SimulatedSigner
    private_key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def key(self) -> PublicKey:
        return self.private_key.public_key()


def party(algorithm: Algorithm = Algorithm.ES256) -> Party:
    key = generate_private_key(SECP256R1()) if algorithm is Algorithm.ES256 else Ed25519PrivateKey.generate()
    return Party(SimulatedSigner(KeyRef("test", 1), algorithm, key, lambda: None), key)


def counting() -> Callable[[int], bytes]:
    """Entropy that repeats in every run and never within one."""
    drawn = iter(range(1 << 32))
    return lambda size: next(drawn).to_bytes(size, "big")
