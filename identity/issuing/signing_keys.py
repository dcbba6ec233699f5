"""The issuer's keys as they sign: versions pinned, each with the verification method by which verifiers find it.

Rules
- A signature of the key store's is verified under the key that verifiers are given before it is given away.
- The BLS key is opened for one signature and dropped (docs/threat-model.md).
- A key that may not assert any more signs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from identity.did.methods import BlsKey, VerificationKey, VerificationMethod
from identity.errors import KeyUnfitError, TokenInvalidError
from identity.jose.jwk import PublicKey
from identity.jose.jws import SCHEMES
from identity.jose.signature import verify
from identity.selective.bbs_signature import SecretKey
from keys.errors import KeyNotFoundError
from keys.signer import Algorithm, KeyRef, Signer

PURPOSE: Final = "assertionMethod"


@dataclass(frozen=True)
class StoredKey:
    """A version of a key that the key store signs with, and the method by which verifiers find it."""

    method: VerificationMethod
    signer: Signer

    @property
    def ref(self) -> KeyRef:
        """The version."""
        return self.signer.ref

    @property
    def algorithm(self) -> Algorithm:
        """Its JOSE name."""
        return self.signer.algorithm

    @property
    def key(self) -> PublicKey:
        """What verifies it."""
        assert not isinstance(self.method.key, BlsKey)
        return self.method.key

    def sign(self, message: bytes) -> bytes:
        """As `keys.signer.Signer.sign`; verified. Raises KeyUnfitError for a signature of another key,
        KeyNotFoundError for a key that is revoked.
        """
        _require_unrevoked(self)
        signature = self.signer.sign(message)
        try:
            verify(SCHEMES[self.algorithm], self.key, signature, message)
        except TokenInvalidError as error:
            raise KeyUnfitError(f"{self.ref} is not the key of {self.method.id}: restore that key") from error
        return signature


@dataclass(frozen=True)
class SealedKey:
    """A version of the BLS key, which the key store seals and this process signs with."""

    method: VerificationMethod
    ref: KeyRef
    open: Callable[[], SecretKey] = field(repr=False)
    """Raises KeyStoreUnavailableError, KeyNotFoundError."""

    def opened(self) -> SecretKey:
        """For one signature. Raises as `open`, and as `StoredKey.sign` for another key or one that is revoked."""
        _require_unrevoked(self)
        secret = self.open()
        if BlsKey(secret.public) != self.method.key:
            raise KeyUnfitError(f"the key store's {self.ref} is not the key of {self.method.id}: restore that key")
        return secret


def _require_unrevoked(key: StoredKey | SealedKey) -> None:
    if PURPOSE not in key.method.purposes:
        raise KeyNotFoundError(
            f"{key.ref} is revoked and signs nothing: `sigillo keys rotate --issuer …` makes another"
        )


def stored_key(did: str, fragment: str, key: PublicKey, signer: Signer) -> StoredKey:
    """A key of the key store's under a DID."""
    return StoredKey(_method_of(did, fragment, key), signer)


def sealed_key(did: str, fragment: str, public: bytes, ref: KeyRef, opened: Callable[[], SecretKey]) -> SealedKey:
    """The BLS key under a DID; `public` is compressed."""
    return SealedKey(_method_of(did, fragment, BlsKey(public)), ref, opened)


def _method_of(did: str, fragment: str, key: VerificationKey) -> VerificationMethod:
    return VerificationMethod(f"{did}#{fragment}", did, key, frozenset({PURPOSE}))
