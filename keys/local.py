"""The embedded key store: keys in one sealed file, signatures in this process. For one machine only.

Rules
- It refuses every profile but the embedded one, and `WARNING` says why.
- Every version of a signing key stays, with its own certificate, until it is retired; a destroyed epoch leaves the
  file at once.
- Readers take one immutable snapshot, so any number of threads may sign at once; what another process changed is
  seen at the next use (`keys.held_keyring`): a signer asks for its private key at every signature, and has none once
  its version is retired.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.certificates import PrivateKey
from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.errors import EpochDestroyedError, InsecureProfileError, KeyNotFoundError, KeysError, SealBrokenError
from keys.held_keyring import HeldKeyring
from keys.high_water import FileHighWater, short_name
from keys.issuer_keys import IssuerKey, IssuerVersion
from keys.keyring import ISSUER_ALGORITHMS, Keyring, decode_key, public_der
from keys.local_claims import LocalClaimKeys, claim_versions
from keys.local_issuers import LocalIssuerKeys, issuer_versions
from keys.sealed_file import SealedFile
from keys.sealing import KEY_BYTES, seal, unseal
from keys.signer import CLAIM_PURPOSES, Algorithm, EpochKey, KeyRef, KeyStoreStatus, Purpose
from keys.versions import Version, chosen, status

WARNING: Final = (
    "Embedded keys and a development CA: anyone who can read this folder and its passphrase or key file can "
    "sign as this service and read whatever it has sealed, people's data included; and nobody else trusts its "
    "certificates. For one machine and for trying things out; production needs Vault or OpenBao (profile server or "
    "cluster)."
)

_WRAPPED: Final = re.compile(rb"local:v([1-9][0-9]{0,8}):([0-9a-f]+)")


@dataclass(frozen=True)
class LocalSigner:
    """One version of one signing key. Implements `keys.signer.Signer`."""

    ref: KeyRef
    algorithm: Algorithm
    public_key: bytes
    chain: str
    _find: Callable[[KeyRef], PrivateKey] = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """As `keys.signer.Signer.sign`."""
        private = self._find(self.ref)
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return private.sign(message)
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


HIGH_WATER_NAME: Final = "log-high-water"


@dataclass(frozen=True)
class _Opened:
    """What one keyring signs with; costly to make, so made once for each."""

    keyring: Keyring = field(repr=False)
    versions: Mapping[Purpose, tuple[Version, ...]]
    """Of CLAIM_PURPOSES."""

    private: Mapping[KeyRef, PrivateKey] = field(repr=False)


class LocalKeyStore:
    """The embedded store. Implements `keys.signer.KeyStore`; see the module's rules."""

    def __init__(self, held: HeldKeyring, clock: Clock, entropy: Entropy) -> None:
        """Use `open`."""
        self._held, self._clock, self._entropy = held, clock, entropy
        self.claims = LocalClaimKeys(held, clock)
        self.unseen_claims = LocalClaimKeys(held, clock, Purpose.CLAIM_UNSEEN)
        self.issuers = LocalIssuerKeys(held)
        """For whoever rotates and retires."""

        # Replaced whole by any thread; two that make it at once make the same.
        self._made = _opened(held.keyring)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        embedded_profile: bool,
        passphrase: str | None = None,
        clock: Clock = system_clock,
        entropy: Entropy = system_entropy,
    ) -> Self:
        """Open the store in `folder`; on the first run make its keys, development CA and certificate.

        Without a passphrase the store opens with a 0600 key file beside it. Raises InsecureProfileError,
        WrongPassphraseError, LooseFileModeError.
        """
        if not embedded_profile:
            raise InsecureProfileError(
                "embedded keys are for the embedded profile only: configure Vault or OpenBao, or that profile"
            )
        file = SealedFile(folder, passphrase, entropy, lambda: Keyring.first(clock()).encode())
        held = HeldKeyring(file)
        if held.keyring.complete(clock()) is not held.keyring:
            held.change(lambda keyring: keyring.complete(clock()))
        return cls(held, clock, entropy)

    def signer(self, purpose: Purpose, version: int | None = None) -> LocalSigner:
        """As `keys.signer.KeyStore.signer`."""
        opened = self._opened()
        ref = None if version is None else KeyRef(purpose.key_name, version)
        if purpose in CLAIM_PURPOSES:
            found = chosen(opened.versions[purpose], ref, self._clock())
            return LocalSigner(found.ref, found.algorithm, found.public_key, found.chain, self._private)
        ref = ref or _newest(opened.keyring, purpose)
        algorithm = ISSUER_ALGORITHMS.get(purpose, Algorithm.ED25519)
        return LocalSigner(ref, algorithm, public_der(self._private(ref)), "", self._private)

    def versions(self, purpose: Purpose = Purpose.CLAIM) -> Sequence[Version]:
        """As `keys.signer.KeyStore.versions`."""
        return self._opened().versions[purpose]

    def issuer_versions(self) -> Sequence[IssuerVersion]:
        """As `keys.signer.KeyStore.issuer_versions`."""
        return issuer_versions(self._held.keyring)

    def bls_material(self, version: int) -> bytes:
        """As `keys.signer.KeyStore.bls_material`."""
        kept = self._held.keyring.bls
        if not 1 <= version <= len(kept) or not kept[version - 1]:
            raise _not_there(KeyRef(IssuerKey.BLS, version))
        return bytes.fromhex(kept[version - 1])

    def revocation_list(self) -> bytes:
        """As `keys.signer.KeyStore.revocation_list`: the development CA's."""
        return self._held.keyring.revocation_list(self._clock())

    def anchors(self) -> str:
        """As `keys.signer.KeyStore.anchors`: the development root, and those of outside CAs."""
        return self._held.keyring.roots

    def open_epoch(self, tenant: str, wrapped: bytes | None = None) -> EpochKey:
        """As `keys.signer.KeyStore.open_epoch`."""
        epochs = self._held.keyring.epochs(tenant)
        if wrapped is None:
            number, key = max(epochs), self._entropy(KEY_BYTES)
            sealed = seal(epochs[number], key, _associated(tenant, number), self._entropy)
            return EpochKey(number, key, b"local:v%d:%s" % (number, sealed.hex().encode()))
        shape = _WRAPPED.fullmatch(wrapped)
        if shape is None or int(shape[1]) > max(epochs):
            raise SealBrokenError(f"no epoch of tenant {tenant} wrapped this data key")
        number = int(shape[1])
        if number not in epochs:
            raise EpochDestroyedError(f"epoch {number} of tenant {tenant} was destroyed: its data is gone")
        sealed = bytes.fromhex(shape[2].decode())
        return EpochKey(number, unseal(epochs[number], sealed, _associated(tenant, number)), wrapped)

    def advance_epoch(self, tenant: str) -> int:
        """As `keys.signer.KeyStore.advance_epoch`."""
        keyring = self._held.change(lambda keyring: keyring.advanced(tenant, self._entropy(KEY_BYTES)))
        return max(keyring.epochs(tenant))

    def destroy_epochs(self, tenant: str, before: int) -> None:
        """As `keys.signer.KeyStore.destroy_epochs`."""
        self._held.change(lambda keyring: keyring.destroyed(tenant, before))

    def high_water(self, log: str) -> FileHighWater:
        """As `keys.signer.KeyStore.high_water`: a file beside the keys."""
        return FileHighWater(self._held.folder / f"{HIGH_WATER_NAME}-{short_name(log)}.json")

    def status(self) -> KeyStoreStatus:
        """As `keys.signer.KeyStore.status`."""
        try:
            opened = self._opened()
        except KeysError as error:
            return KeyStoreStatus("embedded", ready=False, reason=str(error), keys=(), certificate_expires="")
        newest, issuer = _newest(opened.keyring, Purpose.LOG), issuer_versions(opened.keyring)
        lines = tuple(opened.versions[purpose] for purpose in CLAIM_PURPOSES)
        return status("embedded", lines, newest, self._clock(), issuer=issuer)

    def _private(self, ref: KeyRef) -> PrivateKey:
        """As the file has it now. Raises KeyNotFoundError, KeyStoreDownError."""
        found = self._opened().private.get(ref)
        if found is None:
            raise _not_there(ref)
        return found

    def _opened(self) -> _Opened:
        keyring, made = self._held.keyring, self._made
        if made.keyring is not keyring:
            made = self._made = _opened(keyring)
        return made


def _opened(keyring: Keyring) -> _Opened:
    private = {
        KeyRef(purpose.key_name, number): decode_key(key.private)
        for purpose, keys in keyring.signing.items()
        for number, key in enumerate(keys, start=1)
        if key.private
    }
    return _Opened(keyring, {purpose: claim_versions(keyring, purpose) for purpose in CLAIM_PURPOSES}, private)


def _newest(keyring: Keyring, purpose: Purpose) -> KeyRef:
    return KeyRef(purpose.key_name, len(keyring.signing[purpose]))


def _not_there(ref: KeyRef) -> KeyNotFoundError:
    return KeyNotFoundError(f"there is no {ref}, or it is retired and signs nothing")


def _associated(tenant: str, number: int) -> bytes:
    return f"sigillo/epoch/{tenant}/{number}".encode()
