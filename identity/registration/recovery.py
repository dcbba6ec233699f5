"""The recovery code: 128 random bits, shown once as twelve words, kept as an Argon2id hash.

Nobody guesses 128 bits; Argon2id is for the day on which a hash leaks together with a weak generator. Its cost is what
RFC 9106 calls memory-constrained, and it bounds how fast one caller can ask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from mnemonic import Mnemonic

from identity.registration.errors import RecoveryCodeError
from keys.clock import Entropy

CODE_BYTES: Final = 16
MAX_TEXT: Final = 200
PASSES: Final = 3
LANES: Final = 1
MEMORY_KIB: Final = 32 * 1024


@dataclass(frozen=True)
class RecoveryCode:
    """At the one moment it is here."""

    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, entropy: Entropy) -> Self:
        """A fresh one."""
        return cls(entropy(CODE_BYTES))

    @classmethod
    def read(cls, text: str) -> Self:
        """From the words, in whatever case and spacing. Raises RecoveryCodeError."""
        words = _words()
        spoken = " ".join(text[:MAX_TEXT].lower().split())
        if len(text) > MAX_TEXT or not words.check(spoken):
            raise RecoveryCodeError
        secret = bytes(words.to_entropy(spoken))
        if len(secret) != CODE_BYTES:
            raise RecoveryCodeError
        return cls(secret)

    @property
    def words(self) -> str:
        """Twelve words (BIP 39, English), the last of which checks the others."""
        return str(_words().to_mnemonic(self.secret))

    def hashed(self, entropy: Entropy) -> str:
        """Argon2id as a PHC string, which is what is kept; takes some 50 ms and 32 MiB."""
        kdf = Argon2id(salt=entropy(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
        return kdf.derive_phc_encoded(self.secret)

    def check(self, kept: str) -> None:
        """Raises RecoveryCodeError unless it is what was kept."""
        try:
            Argon2id.verify_phc_encoded(self.secret, kept)
        except InvalidKey as error:
            raise RecoveryCodeError from error


@cache
def _words() -> Mnemonic:
    return Mnemonic("english")
