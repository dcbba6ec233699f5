"""Signing with transit keys, each version under its own certificate.

Rules
- Every signature names the key version whose certificate it goes with: after a rotation transit would sign
  with the newest.
- Claims are hashed here and sent as their digest: transit signs a "prehashed" input of any length without
  complaint, so no caller can hand it one. Ed25519 (RFC 8032) takes the whole message.
"""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from keys.certificates import check_chain
from keys.errors import KeyNotFoundError, KeyStoreRefusedError
from keys.signer import Algorithm, KeyRef, Purpose
from keys.vault import Vault

SIGNING_MOUNT: Final = "sigillo/signing"
"""Transit: the signing keys."""


@dataclass(frozen=True)
class VaultSigner:
    """One version of one transit key. Implements `keys.signer.Signer`."""

    ref: KeyRef
    algorithm: Algorithm
    public_key: bytes
    chain: str
    ends: datetime | None
    """When the chain ends; None without one."""

    vault: Vault = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """As `keys.signer.Signer.sign`."""
        path = f"{SIGNING_MOUNT}/sign/{self.ref.name}"
        if self.algorithm is Algorithm.ED25519:
            data = {"input": _b64(message), "key_version": self.ref.version}
            return b64decode(self._signature(path, data))
        data = {
            "input": _b64(sha256(message).digest()),
            "key_version": self.ref.version,
            "prehashed": True,
            "marshaling_algorithm": "jws",
        }
        return urlsafe_b64decode(self._signature(f"{path}/sha2-256", data) + "==")

    def _signature(self, path: str, data: Mapping[str, Any]) -> str:
        signature: str = self.vault.write(path, data)["data"]["signature"]
        prefix = f"vault:v{self.ref.version}:"
        if not signature.startswith(prefix):
            raise KeyStoreRefusedError(f"Vault did not sign with {self.ref}, whose certificate this is")
        return signature.removeprefix(prefix)


def signing_versions(vault: Vault, purpose: Purpose) -> dict[int, VaultSigner]:
    """The versions of a signing key that may sign: for claims, those with their certificate.

    Raises KeyNotFoundError, CertificateMismatchError, KeyStoreUnavailableError.
    """
    answer = vault.read(f"{SIGNING_MOUNT}/keys/{purpose.key_name}")
    if answer is None:
        raise KeyNotFoundError(f"Vault has no key {purpose.key_name}: run the bootstrap")
    signers = {}
    for number, version in answer["data"]["keys"].items():
        ref, public_key = KeyRef(purpose.key_name, int(number)), _public_key(purpose, version["public_key"])
        chain = version.get("certificate_chain") or ""
        if purpose is Purpose.LOG:
            signers[ref.version] = VaultSigner(ref, purpose.algorithm, public_key, "", None, vault)
        elif chain:
            ends = check_chain(chain, public_key)
            signers[ref.version] = VaultSigner(ref, purpose.algorithm, public_key, chain, ends, vault)
    return signers


def _public_key(purpose: Purpose, text: str) -> bytes:
    """DER SubjectPublicKeyInfo: transit gives PEM for P-256, 32 bytes in base64 for Ed25519."""
    if purpose.algorithm is Algorithm.ED25519:
        key = Ed25519PublicKey.from_public_bytes(b64decode(text))
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem_key = load_pem_public_key(text.encode())
    return pem_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
