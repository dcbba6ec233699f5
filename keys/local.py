"""The embedded key store: keys in one sealed file, signatures in this process. For one machine only.

Rules
- It refuses every profile but the embedded one, and `WARNING` says why.
- Every version of a signing key stays, with its own certificate; a destroyed epoch leaves the file at once.
- A change is read, made and written under the file's lock, so two processes lose nothing of each other's;
  what another process changed is seen here at the next change or the next open.
- Readers take one immutable snapshot, so any number of threads may sign at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.certificates import check_chain, require_current, rfc3339
from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.errors import (
    CertificateExpiredError,
    EpochDestroyedError,
    InsecureProfileError,
    KeyNotFoundError,
    SealBrokenError,
)
from keys.keyring import Keyring, PrivateKey, SigningKey, decode_key, public_der
from keys.sealed_file import SealedFile
from keys.sealing import KEY_BYTES, seal, unseal
from keys.signer import Algorithm, EpochKey, KeyRef, KeyStoreStatus, Purpose

WARNING: Final = (
    "Embedded keys and a development CA: anyone who can read this folder and its passphrase or key file can "
    "sign as this service, and nobody else trusts its certificates. For one machine and for trying things "
    "out; production needs Vault or OpenBao (profile server or cluster)."
)

_WRAPPED: Final = re.compile(rb"local:v([1-9][0-9]{0,8}):([0-9a-f]+)")


@dataclass(frozen=True)
class LocalSigner:
    """One version of one signing key, in memory. Implements `keys.signer.Signer`."""

    ref: KeyRef
    algorithm: Algorithm
    public_key: bytes
    chain: str
    ends: datetime | None
    """When the chain ends; None without one."""

    _private: PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """As `keys.signer.Signer.sign`."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class LocalKeyStore:
    """The embedded store. Implements `keys.signer.KeyStore`; see the module's rules."""

    def __init__(self, file: SealedFile, clock: Clock, entropy: Entropy) -> None:
        """Use `open`."""
        self._file, self._clock, self._entropy = file, clock, entropy
        self._take(Keyring.model_validate_json(file.read()))

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
        WrongPassphraseError, LooseFileModeError, CertificateMismatchError.
        """
        if not embedded_profile:
            raise InsecureProfileError(
                "embedded keys are for the embedded profile only: configure Vault or OpenBao, or that profile"
            )
        file = SealedFile(folder, passphrase, entropy, lambda: Keyring.first(clock()).encode())
        return cls(file, clock, entropy)

    def signer(self, purpose: Purpose, version: int | None = None) -> LocalSigner:
        """As `keys.signer.KeyStore.signer`."""
        signers = self._signers[purpose]
        number = len(signers) if version is None else version
        if not 1 <= number <= len(signers):
            raise KeyNotFoundError(f"no {KeyRef(purpose.key_name, number)}: the newest is {len(signers)}")
        signer = signers[number - 1]
        if signer.ends is not None:
            require_current(signer.ends, self._clock())
        return signer

    def chains(self) -> Mapping[KeyRef, str]:
        """As `keys.signer.KeyStore.chains`."""
        return {signer.ref: signer.chain for signer in self._signers[Purpose.CLAIM]}

    def revocation_list(self) -> bytes:
        """As `keys.signer.KeyStore.revocation_list`: the development CA publishes none, the service's rows say it."""
        return b""

    def anchors(self) -> str:
        """As `keys.signer.KeyStore.anchors`: the development root."""
        return self._keyring.root

    def rotate(self, purpose: Purpose) -> KeyRef:
        """Make the next version, with its own certificate, and sign with it from now on; old ones stay."""
        keyring = self._change(lambda keyring: keyring.rotated(purpose, self._clock()))
        return KeyRef(purpose.key_name, len(keyring.signing[purpose]))

    def open_epoch(self, tenant: str, wrapped: bytes | None = None) -> EpochKey:
        """As `keys.signer.KeyStore.open_epoch`."""
        epochs = self._keyring.epochs(tenant)
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
        keyring = self._change(lambda keyring: keyring.advanced(tenant, self._entropy(KEY_BYTES)))
        return max(keyring.epochs(tenant))

    def destroy_epochs(self, tenant: str, before: int) -> None:
        """As `keys.signer.KeyStore.destroy_epochs`."""
        self._change(lambda keyring: keyring.destroyed(tenant, before))

    def status(self) -> KeyStoreStatus:
        """As `keys.signer.KeyStore.status`."""
        current = [signers[-1] for signers in self._signers.values()]
        ends = min(signer.ends for signer in current if signer.ends is not None)
        reason = ""
        try:
            require_current(ends, self._clock())
        except CertificateExpiredError as error:
            reason = str(error)
        refs = tuple(signer.ref for signer in current)
        return KeyStoreStatus("embedded", not reason, reason, refs, rfc3339(ends))

    def _change(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        with self._file.exclusive():
            keyring = change(Keyring.model_validate_json(self._file.read()))
            self._file.write(keyring.encode())
            self._take(keyring)
        return keyring

    def _take(self, keyring: Keyring) -> None:
        # Each attribute is replaced whole, and neither is read together with the other.
        self._keyring = keyring
        self._signers = {
            purpose: tuple(_signer(purpose, version, key) for version, key in enumerate(versions, start=1))
            for purpose, versions in keyring.signing.items()
        }


def _signer(purpose: Purpose, version: int, key: SigningKey) -> LocalSigner:
    private = decode_key(key.private)
    public = public_der(private)
    ends = check_chain(key.chain, public) if key.chain else None
    return LocalSigner(KeyRef(purpose.key_name, version), purpose.algorithm, public, key.chain, ends, private)


def _associated(tenant: str, number: int) -> bytes:
    return f"sigillo/epoch/{tenant}/{number}".encode()
