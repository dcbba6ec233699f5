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
from hashlib import sha256
from typing import Any

from keys.errors import KeyStoreRefusedError
from keys.signer import Algorithm, KeyRef
from keys.vault import Vault
from keys.vault_versions import SIGNING_MOUNT


@dataclass(frozen=True)
class VaultSigner:
    """One version of one transit key. Implements `keys.signer.Signer`."""

    ref: KeyRef
    algorithm: Algorithm
    public_key: bytes
    chain: str
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


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
