"""The reference witness's own key: a file of mode 0600, made at the first start.

It holds one line, `PRIVATE+KEY+name+hex(key id)+base64(type ‖ seed)`: the form of golang.org/x/mod/sumdb/note, with the
type of a cosigner's key (c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.clock import Entropy
from keys.secret_file import locked, read_secret, replace_secret
from ledger.errors import CheckpointError
from ledger.tree.checkpoint import check_origin
from ledger.tree.note import decode, encode
from ledger.witnessing.cosignature import ED25519_TYPE, WitnessKey

_PRIVATE: Final = "PRIVATE+KEY+"
_SEED_BYTES: Final = 32


@dataclass(frozen=True)
class WitnessSigner:
    """A witness's key, and its private half."""

    key: WitnessKey
    _private_key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, name: str, seed: bytes) -> Self:
        """Raises CheckpointError for what cannot name a key."""
        private_key = Ed25519PrivateKey.from_private_bytes(seed)
        public = private_key.public_key().public_bytes_raw()
        return cls(WitnessKey(check_origin(name), ED25519_TYPE, public), private_key)

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature."""
        return self._private_key.sign(message)


def open_witness_key(file: Path, name: str, entropy: Entropy) -> WitnessSigner:
    """The key in that file; where there is none, a new one by that name, which is kept.

    Raises CheckpointError for a damaged file, or one of another name than is wanted; LooseFileModeError, OSError.
    """
    with locked(file.with_suffix(".lock")):
        if not file.exists():
            seed = entropy(_SEED_BYTES)
            signer = WitnessSigner.of(name, seed)
            material = encode(bytes([ED25519_TYPE]) + seed)
            replace_secret(file, f"{_PRIVATE}{name}+{signer.key.id.hex()}+{material}\n".encode())
            return signer
    signer = _parse(read_secret(file).decode("utf-8", "replace").strip(), file)
    if name and name != signer.key.name:
        raise CheckpointError(
            f"{file} is the key of {signer.key.name!r}, and not of {name!r}: a witness keeps its name"
        )
    return signer


def _parse(line: str, file: Path) -> WitnessSigner:
    name, _, rest = line.removeprefix(_PRIVATE).partition("+")
    stated, _, encoded = rest.partition("+")
    material = decode(encoded) if encoded else b""
    if not line.startswith(_PRIVATE) or material[:1] != bytes([ED25519_TYPE]) or len(material) != 1 + _SEED_BYTES:
        raise CheckpointError(f"{file} is no witness's key, or was damaged: put a copy of it back")
    signer = WitnessSigner.of(name, material[1:])
    if signer.key.id.hex() != stated:
        raise CheckpointError(f"{file} was damaged: put a copy of it back")
    return signer
