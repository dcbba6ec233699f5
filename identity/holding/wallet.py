"""A holder's keys: a folder with one sealed file, and in it a key for each credential that is bound to one.

Rules
- A key is made for one credential. Two credentials of one key show whoever meets both that they are one person's.
- The file is sealed under a passphrase, or under a key file of mode 0600 beside it (`keys.sealed_file`).
- P-256 alone: every issuer and verifier takes ES256.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from identity.did.methods import VerificationKey, did_key
from identity.errors import HolderKeyUnknownError, WalletFullError
from keys.clock import Entropy, system_entropy
from keys.sealed_file import SealedFile
from keys.signer import Algorithm

MAX_KEYS: Final = 4096
_COORDINATE: Final = 32


@dataclass(frozen=True)
class HolderKey:
    """One key, which signs as `identity.jose.jws.JwsSigner` asks."""

    private_key: EllipticCurvePrivateKey = field(repr=False)
    algorithm: Algorithm = field(default=Algorithm.ES256, init=False)

    @property
    def key(self) -> EllipticCurvePublicKey:
        """What verifies it."""
        return self.private_key.public_key()

    @property
    def did(self) -> str:
        """By which an issuer binds a credential to it."""
        return did_key(self.key)

    def sign(self, message: bytes) -> bytes:
        """An ES256 signature, r then s."""
        r, s = decode_dss_signature(self.private_key.sign(message, ECDSA(SHA256())))
        return r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE)


class Wallet:
    """The keys in one folder. Safe to use from many processes."""

    def __init__(self, folder: Path, passphrase: str | None = None, entropy: Entropy = system_entropy) -> None:
        """Open it, or begin it. Raises LooseFileModeError, WrongPassphraseError, KeyStoreUnavailableError, OSError."""
        self._file = SealedFile(folder, passphrase, entropy, lambda: b"[]")

    def new_key(self) -> HolderKey:
        """Another key, kept when it is returned. Raises WalletFullError, and as the wallet's opening."""
        made = HolderKey(generate_private_key(SECP256R1()))
        secret = made.private_key.private_numbers().private_value
        with self._file.exclusive():
            secrets = self._secrets()
            if len(secrets) >= MAX_KEYS:
                raise WalletFullError(f"a wallet has at most {MAX_KEYS} keys: begin another one in another folder")
            self._file.write(json.dumps([*secrets, f"{secret:064x}"]).encode())
        return made

    def key_of(self, public: VerificationKey) -> HolderKey:
        """The key behind a public one. Raises HolderKeyUnknownError, and as the wallet's opening."""
        found = next((key for key in self.all() if key.key == public), None)
        if found is None:
            raise HolderKeyUnknownError("the credential is bound to a key that is not in this wallet")
        return found

    def all(self) -> list[HolderKey]:
        """All of them, the oldest first. Raises as the wallet's opening."""
        return [HolderKey(derive_private_key(int(secret, 16), SECP256R1())) for secret in self._secrets()]

    def _secrets(self) -> list[str]:
        found: list[str] = json.loads(self._file.read())
        return found
