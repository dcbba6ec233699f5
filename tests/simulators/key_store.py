"""An in-memory key store that behaves: real keys, real epochs, and an operator who can seal or stop it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_p256
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.certificates import development_ca
from keys.chain import pem
from keys.clock import Entropy, system_clock, system_entropy
from keys.errors import (
    EpochDestroyedError,
    KeyNotFoundError,
    KeyStoreDownError,
    KeyStoreRefusedError,
    KeyStoreSealedError,
    KeyStoreUnavailableError,
)
from keys.high_water import Mark
from keys.issuer_keys import PURPOSES, IssuerKey, IssuerVersion
from keys.sealing import KEY_BYTES, seal, unseal
from keys.signer import Algorithm, EpochKey, KeyRef, KeyStoreStatus, Purpose, Signer
from keys.versions import Version

_NUMBER_BYTES = 8


@dataclass
class _Tenant:
    newest: int = 0
    oldest: int = 1
    wrapping: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class SimulatedSigner:
    """One version of one key; asks the store's state before every signature."""

    ref: KeyRef
    algorithm: Algorithm
    private_key: Ed25519PrivateKey | EllipticCurvePrivateKey = field(repr=False)
    check: Callable[[], None] = field(repr=False)
    chain: str = ""

    @property
    def public_key(self) -> bytes:
        return self.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        self.check()
        if isinstance(self.private_key, Ed25519PrivateKey):
            return self.private_key.sign(message)
        r, s = decode_dss_signature(self.private_key.sign(message, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class SimulatedKeyStore:
    """A `keys.signer.KeyStore`. `trouble` makes every call fail until `recover`."""

    def __init__(self, entropy: Entropy = system_entropy) -> None:
        self._entropy = entropy
        self._trouble: KeyStoreUnavailableError | None = None
        self._tenants: dict[str, _Tenant] = {}
        self._signers = {purpose: [self._new_signer(purpose, 1)] for purpose in Purpose}
        self.root = pem([development_ca(system_clock()).root])
        self.bls = [bytes([1] * KEY_BYTES)]
        """What each version of the issuer's BLS key is made of."""

        self.mark: Mark | None = None
        self.opened = 0
        """How often an epoch was opened: each would be a call to Vault."""

    def go_down(self) -> None:
        self._trouble = KeyStoreDownError("the simulated key store is down")

    def seal(self) -> None:
        self._trouble = KeyStoreSealedError("the simulated key store is sealed: unseal it")

    def recover(self) -> None:
        self._trouble = None

    def rotate(self, purpose: Purpose) -> KeyRef:
        """Begin the next version of a signing key."""
        signers = self._signers[purpose]
        signers.append(self._new_signer(purpose, len(signers) + 1))
        return signers[-1].ref

    def replace_key(self, purpose: Purpose) -> None:
        """What must never happen: another key under the same name and version."""
        signer = self._signers[purpose][-1]
        self._signers[purpose][-1] = replace(self._new_signer(purpose, signer.ref.version), ref=signer.ref)

    def signer(self, purpose: Purpose, version: int | None = None) -> Signer:
        self._check()
        signers = self._signers[purpose]
        if version is not None and not 1 <= version <= len(signers):
            raise KeyNotFoundError(f"no version {version} of the {purpose} key")
        return signers[-1 if version is None else version - 1]

    def versions(self, purpose: Purpose = Purpose.CLAIM) -> Sequence[Version]:
        self._check()
        return [
            Version(signer.ref, signer.algorithm, signer.public_key, signer.chain) for signer in self._signers[purpose]
        ]

    def issuer_versions(self) -> Sequence[IssuerVersion]:
        self._check()
        signing = [
            IssuerVersion(KeyRef(key, signer.ref.version), signer.public_key)
            for purpose, key in PURPOSES.items()
            for signer in self._signers[purpose]
        ]
        return [*signing, *(IssuerVersion(KeyRef(IssuerKey.BLS, n + 1), b"") for n in range(len(self.bls)))]

    def bls_material(self, version: int) -> bytes:
        self._check()
        return self.bls[version - 1]

    def revocation_list(self) -> bytes:
        self._check()
        return b""

    def anchors(self) -> str:
        self._check()
        return self.root

    def open_epoch(self, tenant: str, wrapped: bytes | None = None) -> EpochKey:
        self._check()
        self.opened += 1
        held = self._tenants.get(tenant)
        if held is None:
            raise KeyNotFoundError(f"tenant {tenant} has no epoch")
        if wrapped is None:
            number, key = held.newest, self._entropy(KEY_BYTES)
            sealed = seal(held.wrapping[number], key, tenant.encode(), self._entropy)
            return EpochKey(number, key, number.to_bytes(_NUMBER_BYTES, "big") + sealed)
        number = int.from_bytes(wrapped[:_NUMBER_BYTES], "big")
        if number < held.oldest:
            raise EpochDestroyedError(f"epoch {number} of {tenant} was destroyed")
        return EpochKey(number, unseal(held.wrapping[number], wrapped[_NUMBER_BYTES:], tenant.encode()), wrapped)

    def advance_epoch(self, tenant: str) -> int:
        self._check()
        held = self._tenants.setdefault(tenant, _Tenant())
        held.newest += 1
        held.wrapping[held.newest] = self._entropy(KEY_BYTES)
        return held.newest

    def destroy_epochs(self, tenant: str, before: int) -> None:
        self._check()
        held = self._tenants[tenant]
        if before > held.newest:
            raise ValueError(f"epoch {before} is beyond the newest, {held.newest}")
        held.oldest = max(held.oldest, before)
        for number in [number for number in held.wrapping if number < before]:
            del held.wrapping[number]

    def high_water(self, _log: str) -> SimulatedKeyStore:
        """Itself, for one log: as durable as its keys are."""
        return self

    def read(self) -> Mark | None:
        self._check()
        return self.mark

    def replace(self, old: Mark | None, new: Mark) -> None:
        self._check()
        if self.mark != old:
            raise KeyStoreRefusedError("another process has raised the mark")
        self.mark = new

    def status(self) -> KeyStoreStatus:
        reason = str(self._trouble or "")
        keys = tuple(signers[-1].ref for signers in self._signers.values())
        return KeyStoreStatus("simulated", not reason, reason, keys, "")

    def _check(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def _new_signer(self, purpose: Purpose, version: int) -> SimulatedSigner:
        ref = KeyRef(str(purpose), version)
        if purpose in {Purpose.LOG, Purpose.ISSUER_ED25519}:
            return SimulatedSigner(ref, Algorithm.ED25519, Ed25519PrivateKey.generate(), self._check)
        return SimulatedSigner(ref, Algorithm.ES256, generate_p256(SECP256R1()), self._check)
