"""A witness that behaves, or does not: a key, and what it signs. Its messages are spelt out from the specification's
text (c2sp.org/tlog-cosignature), and share no code with `ledger.cosignature`.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW = 1_795_000_000
"""Seconds since 1970: in November 2026."""


@dataclass(frozen=True)
class SimulatedWitness:
    name: str
    private_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def material(self) -> bytes:
        return b"\x04" + self.private_key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self.material).decode()}"

    def line(self, note: str, time: int = NOW, key_id: bytes | None = None, stated: int | None = None) -> str:
        """Its cosignature of a checkpoint; `stated` is a time other than that it signed."""
        text = note.rpartition("\n\n")[0] + "\n"
        signature = self.private_key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        blob = (key_id or self.key_id) + (time if stated is None else stated).to_bytes(8, "big") + signature
        return f"— {self.name} {b64encode(blob).decode()}\n"
