"""The key store in Vault or OpenBao: transit keys sign and wrap, PKI certifies.

Rules
- Private keys stay there. What comes back is signatures, public keys, certificates and epoch data keys.
- The current version of a key is the newest that has its certificate.
- Nothing is asked before it is needed; an outage is an error of that call, and no new object is needed after.

The mounts and policies it relies on are made by `keys.bootstrap`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from cryptography import x509

from keys.certificates import require_current, rfc3339
from keys.clock import Clock, system_clock
from keys.errors import (
    EpochDestroyedError,
    KeyNotFoundError,
    KeysError,
    KeyStoreDownError,
    KeyStoreRefusedError,
    SealBrokenError,
)
from keys.signer import EpochKey, KeyRef, KeyStoreStatus, Purpose
from keys.vault import Vault
from keys.vault_signer import VaultSigner, signing_versions

EPOCHS_MOUNT: Final = "sigillo/epochs"
"""Transit, on its own mount so that a policy can name its paths exactly: one wrapping key per tenant."""

ROOT_MOUNT: Final = "sigillo/root"
"""PKI: the root under which claim certificates chain."""

ISSUER_MOUNT: Final = "sigillo/issuer"
"""PKI: the intermediate that certifies claim keys."""

METADATA_LIFE: Final = timedelta(seconds=30)
"""How long a rotated key or a renewed certificate may go unnoticed."""

_WRAPPED: Final = re.compile(rb"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+")


@dataclass(frozen=True)
class _Versions:
    """The versions of one key that may sign, as read from Vault at one moment."""

    read_at: datetime
    signers: Mapping[int, VaultSigner]


class VaultKeyStore:
    """Keys in Vault. Implements `keys.signer.KeyStore`; see the module's rules."""

    def __init__(self, vault: Vault, clock: Clock = system_clock) -> None:
        """Talks to nobody yet."""
        self._vault, self._clock = vault, clock
        # Replaced whole by any thread; two that read at once store the same.
        self._versions: dict[Purpose, _Versions] = {}
        self._anchors = ""

    def signer(self, purpose: Purpose, version: int | None = None) -> VaultSigner:
        """As `keys.signer.KeyStore.signer`. The current version may be METADATA_LIFE old."""
        known = self._versions.get(purpose)
        now = self._clock()
        stale = known is None or now - known.read_at >= METADATA_LIFE
        if known is None or stale or (version is not None and version not in known.signers):
            known = self._versions[purpose] = _Versions(now, signing_versions(self._vault, purpose))
        number = max(known.signers, default=0) if version is None else version
        if number not in known.signers:
            raise KeyNotFoundError(
                f"Vault has no {KeyRef(purpose.key_name, number)} that is ready to sign: run the bootstrap"
            )
        signer = known.signers[number]
        if signer.ends is not None:
            require_current(signer.ends, now)
        return signer

    def chains(self) -> Mapping[KeyRef, str]:
        """As `keys.signer.KeyStore.chains`. Asks Vault."""
        return {signer.ref: signer.chain for signer in signing_versions(self._vault, Purpose.CLAIM).values()}

    def revocation_list(self) -> bytes:
        """As `keys.signer.KeyStore.revocation_list`: of the intermediate in Vault. Anyone may read it."""
        answer = self._vault.read(f"{ISSUER_MOUNT}/cert/crl")
        listed = ((answer or {}).get("data") or {}).get("certificate") or ""
        return str(listed).encode()

    def anchors(self) -> str:
        """As `keys.signer.KeyStore.anchors`: read once, so that verifying outlives an outage of Vault."""
        if not self._anchors:
            answer = self._vault.read(f"{ROOT_MOUNT}/cert/ca")
            if answer is None:
                raise KeyNotFoundError("Vault has no root certificate for claims: run the bootstrap")
            try:
                root = answer["data"]["certificate"].strip() + "\n"
                x509.load_pem_x509_certificate(root.encode())
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise KeyStoreDownError("Vault answers, but not with its root certificate: read its log") from error
            self._anchors = root
        return self._anchors

    def open_epoch(self, tenant: str, wrapped: bytes | None = None) -> EpochKey:
        """As `keys.signer.KeyStore.open_epoch`."""
        if wrapped is None:
            data = self._ask_epoch("datakey/plaintext", tenant, {})
            wrapped = data["ciphertext"].encode()
            return EpochKey(_epoch_number(wrapped), b64decode(data["plaintext"]), wrapped)
        number = _epoch_number(wrapped)
        data = self._ask_epoch("decrypt", tenant, {"ciphertext": wrapped.decode()}, number)
        return EpochKey(number, b64decode(data["plaintext"]), wrapped)

    def advance_epoch(self, tenant: str) -> int:
        """As `keys.signer.KeyStore.advance_epoch`."""
        path = _epoch_path("keys", tenant)
        if self._vault.read(path) is None:
            self._vault.write(path, {"type": "aes256-gcm96"})
        else:
            self._vault.write(f"{path}/rotate", {})
        return int(self._wrapping_key(tenant)["latest_version"])

    def destroy_epochs(self, tenant: str, before: int) -> None:
        """As `keys.signer.KeyStore.destroy_epochs`: raise both minimum versions, then trim."""
        key = self._wrapping_key(tenant)
        if before > key["latest_version"]:
            raise ValueError(f"the newest epoch of tenant {tenant} is {key['latest_version']}: it must survive")
        if before <= max(1, key["min_available_version"]):
            return
        path = _epoch_path("keys", tenant)
        self._vault.write(f"{path}/config", {"min_decryption_version": before, "min_encryption_version": before})
        self._vault.write(f"{path}/trim", {"min_available_version": before})

    def status(self) -> KeyStoreStatus:
        """As `keys.signer.KeyStore.status`. Asks Vault."""
        self._versions.clear()
        try:
            current = [self.signer(purpose) for purpose in Purpose]
        except KeysError as error:
            return KeyStoreStatus("vault", ready=False, reason=str(error), keys=(), certificate_expires="")
        ends = min(signer.ends for signer in current if signer.ends is not None)
        refs = tuple(signer.ref for signer in current)
        return KeyStoreStatus("vault", ready=True, reason="", keys=refs, certificate_expires=rfc3339(ends))

    def _ask_epoch(
        self, operation: str, tenant: str, data: Mapping[str, Any], number: int | None = None
    ) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._vault.write(_epoch_path(operation, tenant), data)["data"]
        except KeyStoreRefusedError as error:
            # Transit tells the reasons apart only in prose: the key's own numbers do it for good.
            oldest = self._wrapping_key(tenant)["min_decryption_version"]
            if number is None:
                raise
            if number < oldest:
                raise EpochDestroyedError(
                    f"epoch {number} of tenant {tenant} was destroyed: its data is gone"
                ) from error
            raise SealBrokenError(f"no epoch of tenant {tenant} wrapped this data key") from error
        return answer

    def _wrapping_key(self, tenant: str) -> dict[str, Any]:
        answer = self._vault.read(_epoch_path("keys", tenant))
        if answer is None:
            raise KeyNotFoundError(f"tenant {tenant} has no epoch: `advance_epoch` begins the first")
        key: dict[str, Any] = answer["data"]
        return key


def _epoch_path(operation: str, tenant: str) -> str:
    return f"{EPOCHS_MOUNT}/{operation}/{quote(tenant, safe='')}"


def _epoch_number(wrapped: bytes) -> int:
    shape = _WRAPPED.fullmatch(wrapped)
    if shape is None:
        raise SealBrokenError("this is not a wrapped epoch key of Vault's")
    return int(shape[1])
