"""What the embedded store holds, as one immutable value: every change makes another keyring.

Rules
- The nth key of a purpose is its version n, for ever; a claim key comes with the chain of that version, once there is
  one. A retired version keeps its chain and loses its private key.
- Of the issuer's keys a retired version leaves nothing but its number.
- Epoch numbers only grow. The newest epoch of a tenant cannot be destroyed, so its number is never reused.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

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

from keys.certificates import LEAF_NAMES, DevelopmentCA, PrivateKey, development_ca
from keys.chain import pem
from keys.errors import KeyNotFoundError
from keys.sealing import KEY_BYTES
from keys.signer import Algorithm, Purpose

ISSUER_ALGORITHMS: Final[Mapping[Purpose, Algorithm]] = {
    Purpose.ISSUER_ED25519: Algorithm.ED25519,
    Purpose.ISSUER_P256: Algorithm.ES256,
}


class SigningKey(BaseModel):
    """One version of one signing key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    private: str
    """PKCS #8 DER, hex; empty once retired."""

    chain: str = ""
    """PEM, leaf first; empty for the log key, and while a claim key waits."""


class Keyring(BaseModel):
    """Signing keys, the development CA that certifies them, and the tenants' wrapping keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    root: str
    intermediate: str
    authority: str
    """The intermediate's private key: PKCS #8 DER, hex."""

    outside: str = ""
    """PEM of the roots of outside CAs."""

    signing: dict[Purpose, tuple[SigningKey, ...]]
    bls: tuple[str, ...] = ()
    """Versions of the issuer's BLS key: 32 bytes, hex; empty once retired."""

    wrapping: dict[str, dict[int, str]]
    """Tenant → epoch number → wrapping key, hex."""

    @classmethod
    def first(cls, now: datetime) -> Self:
        """A new development CA and the first version of every signing key."""
        authority = development_ca(now)
        return (
            cls(
                root=pem([authority.root]),
                intermediate=pem([authority.intermediate]),
                authority=_encode_key(authority.key),
                signing={
                    Purpose.CLAIM: (_new_key(Algorithm.ES256),),
                    Purpose.LOG: (_new_key(Algorithm.ED25519),),
                },
                wrapping={},
            )
            .certified(Purpose.CLAIM, 1, now)
            .complete(now)
        )

    def complete(self, now: datetime) -> Self:
        """With the key for unseen claims and the issuer's keys, which older keyrings lack."""
        keyring = self
        if Purpose.CLAIM_UNSEEN not in keyring.signing:
            unseen = Purpose.CLAIM_UNSEEN
            keyring = keyring.made(unseen, Algorithm.ES256).certified(unseen, 1, now)
        for purpose in (Purpose.ISSUER_ED25519, Purpose.ISSUER_P256):
            keyring = keyring if purpose in keyring.signing else keyring.issuer_made(purpose)
        return keyring if keyring.bls else keyring.issuer_made(None)

    def encode(self) -> bytes:
        """Canonical JSON (RFC 8785: ASCII keys, strings, integers)."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    @property
    def roots(self) -> str:
        """PEM of every root that claim certificates chain to."""
        return self.root + self.outside

    def made(self, claims: Purpose, algorithm: Algorithm) -> Self:
        """With one more version of that claim key, without certificate."""
        return self._signing(claims, (*self.signing.get(claims, ()), _new_key(algorithm)))

    def certified(self, claims: Purpose, version: int, now: datetime) -> Self:
        """With a certificate of the development CA for a version of that claim key."""
        key = decode_key(self.signing[claims][version - 1].private)
        chain = self._authority().issue(public_der(key), now, LEAF_NAMES[claims])
        return self.installed(claims, version, chain, "")

    def installed(self, claims: Purpose, version: int, chain: str, root: str) -> Self:
        """With this chain for a version of that claim key, and its root (or, empty, a known one) among the anchors."""
        keys = list(self.signing[claims])
        keys[version - 1] = keys[version - 1].model_copy(update={"chain": chain})
        outside = self.outside if root in self.roots else self.outside + root
        return self._signing(claims, tuple(keys)).model_copy(update={"outside": outside})

    def revocation_list(self, now: datetime) -> bytes:
        """The development CA's."""
        return self._authority().revocation_list(now)

    def retired(self, claims: Purpose, version: int) -> Self:
        """Without the private keys of that version of that claim key and those before it."""
        keys = self.signing[claims]
        ended = tuple(key.model_copy(update={"private": ""}) for key in keys[:version])
        return self._signing(claims, ended + keys[version:])

    def issuer_made(self, purpose: Purpose | None) -> Self:
        """With one more version of that key of the issuer's; of its BLS key, for None."""
        if purpose is None:
            return self.model_copy(update={"bls": (*self.bls, secrets.token_hex(KEY_BYTES))})
        made = _new_key(ISSUER_ALGORITHMS[purpose])
        return self._signing(purpose, (*self.signing.get(purpose, ()), made))

    def issuer_retired(self, purpose: Purpose | None, version: int) -> Self:
        """Without the private keys of that version and those before it."""
        if purpose is None:
            return self.model_copy(update={"bls": ("",) * version + self.bls[version:]})
        return self._signing(purpose, (SigningKey(private=""),) * version + self.signing[purpose][version:])

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

    def _signing(self, purpose: Purpose, keys: tuple[SigningKey, ...]) -> Self:
        return self.model_copy(update={"signing": {**self.signing, purpose: keys}})

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
    """The key of a `private` field that is not empty."""
    key = load_der_private_key(bytes.fromhex(private), password=None)
    assert isinstance(key, PrivateKey)
    return key


def public_der(key: PrivateKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _new_key(algorithm: Algorithm) -> SigningKey:
    if algorithm is Algorithm.ED25519:
        return SigningKey(private=_encode_key(ed25519.Ed25519PrivateKey.generate()))
    return SigningKey(private=_encode_key(ec.generate_private_key(ec.SECP256R1())))


def _encode_key(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()
