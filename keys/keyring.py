"""What the embedded store holds, as one immutable value: every change makes another keyring.

Rules
- The nth key of a purpose is its version n, for ever; a claim key comes with the chain of that version.
- Epoch numbers only grow. The newest epoch of a tenant cannot be destroyed, so its number is never reused.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from pydantic import BaseModel, ConfigDict

from keys.certificates import DevelopmentCA, development_ca, pem
from keys.errors import KeyNotFoundError
from keys.signer import Algorithm, Purpose

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class SigningKey(BaseModel):
    """One version of one signing key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    private: str
    """PKCS #8 DER, hex."""

    chain: str
    """PEM, leaf first; empty for the log key."""


class Keyring(BaseModel):
    """Signing keys, the development CA that certifies them, and the tenants' wrapping keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    root: str
    intermediate: str
    authority: str
    """The intermediate's private key: PKCS #8 DER, hex."""

    signing: dict[Purpose, tuple[SigningKey, ...]]
    wrapping: dict[str, dict[int, str]]
    """Tenant → epoch number → wrapping key, hex."""

    @classmethod
    def first(cls, now: datetime) -> Self:
        """A new development CA and the first version of every signing key."""
        authority = development_ca(now)
        return cls(
            root=pem(authority.root),
            intermediate=pem(authority.intermediate),
            authority=_encode_key(authority.key),
            signing={purpose: (_new_key(purpose, authority, now),) for purpose in Purpose},
            wrapping={},
        )

    def encode(self) -> bytes:
        """Canonical JSON (RFC 8785: ASCII keys, strings, integers)."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    def rotated(self, purpose: Purpose, now: datetime) -> Self:
        """With one more version of a signing key."""
        keys = (*self.signing[purpose], _new_key(purpose, self._authority(), now))
        return self.model_copy(update={"signing": {**self.signing, purpose: keys}})

    def epochs(self, tenant: str) -> dict[int, bytes]:
        """The tenant's wrapping keys by epoch. Raises KeyNotFoundError when it never began one."""
        if tenant not in self.wrapping:
            raise KeyNotFoundError(f"tenant {tenant} has no epoch: `advance_epoch` begins the first")
        return {number: bytes.fromhex(key) for number, key in self.wrapping[tenant].items()}

    def advanced(self, tenant: str, key: bytes) -> Self:
        """With `key` as the tenant's next epoch."""
        epochs = self.wrapping.get(tenant, {})
        return self._wrapping(tenant, {**epochs, max(epochs, default=0) + 1: key.hex()})

    def destroyed(self, tenant: str, before: int) -> Self:
        """Without the tenant's epochs below `before`. Raises KeyNotFoundError; ValueError for the newest."""
        newest = max(self.epochs(tenant))
        if before > newest:
            raise ValueError(f"the newest epoch of tenant {tenant} is {newest}: it must survive")
        kept = {number: key for number, key in self.wrapping[tenant].items() if number >= before}
        return self._wrapping(tenant, kept)

    def _wrapping(self, tenant: str, epochs: dict[int, str]) -> Self:
        return self.model_copy(update={"wrapping": {**self.wrapping, tenant: epochs}})

    def _authority(self) -> DevelopmentCA:
        key = decode_key(self.authority)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return DevelopmentCA(
            root=x509.load_pem_x509_certificate(self.root.encode()),
            intermediate=x509.load_pem_x509_certificate(self.intermediate.encode()),
            key=key,
        )


def decode_key(private: str) -> PrivateKey:
    """The key of a `private` field."""
    key = load_der_private_key(bytes.fromhex(private), password=None)
    assert isinstance(key, PrivateKey)
    return key


def public_der(key: PrivateKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _new_key(purpose: Purpose, authority: DevelopmentCA, now: datetime) -> SigningKey:
    if purpose.algorithm is Algorithm.ED25519:
        return SigningKey(private=_encode_key(ed25519.Ed25519PrivateKey.generate()), chain="")
    key = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(private=_encode_key(key), chain=authority.issue(public_der(key), now))


def _encode_key(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()
