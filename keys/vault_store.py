"""The key store in Vault or OpenBao: transit keys sign and wrap, PKI certifies.

Rules
- Private keys stay there. What comes back is signatures, public keys, certificates and epoch data keys.
- Which version of the claim key signs: `keys.versions`. A chain is taken together with the roots: one under a root that
  is not among the anchors is never signed with.
- Nothing is asked before it is needed; an outage is an error of that call, and no new object is needed after.

The mounts and policies it relies on are made by `keys.bootstrap`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from keys.clock import Clock, system_clock
from keys.errors import (
    EpochDestroyedError,
    KeyNotFoundError,
    KeysError,
    KeyStoreRefusedError,
    SealBrokenError,
)
from keys.issuer_keys import PURPOSES, IssuerKey, IssuerVersion
from keys.issuer_keys import current as current_issuer_key
from keys.issuer_keys import find as find_issuer_key
from keys.signer import CLAIM_PURPOSES, EpochKey, KeyRef, KeyStoreStatus, Purpose
from keys.vault import Vault
from keys.vault_high_water import VaultHighWater
from keys.vault_issuers import ALGORITHMS, bls_material, issuer_versions
from keys.vault_signer import VaultSigner
from keys.vault_versions import ISSUER_MOUNT, TransitKeys, claim_keys, exposed, log_key, roots
from keys.versions import Version, chosen, current, find, status

EPOCHS_MOUNT: Final = "sigillo/epochs"
"""Transit, on its own mount so that a policy can name its paths exactly: one wrapping key per tenant."""

METADATA_LIFE: Final = timedelta(seconds=30)
"""How long a rotated key or a new chain may go unnoticed."""

_WRAPPED: Final = re.compile(rb"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+")


@dataclass(frozen=True)
class _Known:
    """Signing keys, as read from Vault at one moment."""

    read_at: datetime
    keys: TransitKeys


@dataclass(frozen=True)
class _KnownIssuers:
    """The issuer's keys, likewise."""

    read_at: datetime
    versions: tuple[IssuerVersion, ...]
    exposed: tuple[str, ...]


class VaultKeyStore:
    """Keys in Vault. Implements `keys.signer.KeyStore`; see the module's rules."""

    def __init__(self, vault: Vault, clock: Clock = system_clock) -> None:
        """Talks to nobody yet."""
        self._vault, self._clock = vault, clock
        # Replaced whole by any thread; two that read at once store the same.
        self._known: dict[Purpose, _Known] = {}
        self._known_issuers: _KnownIssuers | None = None
        self._anchors = ""
        self._epochs_exposed = False

    def signer(self, purpose: Purpose, version: int | None = None) -> VaultSigner:
        """As `keys.signer.KeyStore.signer`. The current version may be METADATA_LIFE old."""
        ref = None if version is None else KeyRef(purpose.key_name, version)
        if purpose in PURPOSES:
            issuer = self._issuer_version(PURPOSES[purpose], ref)
            return VaultSigner(issuer.ref, ALGORITHMS[issuer.key], issuer.public_key, "", self._vault)
        versions = self._keys(purpose, ref).versions
        found = chosen(versions, ref, self._clock()) if purpose in CLAIM_PURPOSES else _of_the_log(versions, ref)
        return VaultSigner(found.ref, found.algorithm, found.public_key, found.chain, self._vault)

    def versions(self, purpose: Purpose = Purpose.CLAIM) -> Sequence[Version]:
        """As `keys.signer.KeyStore.versions`; METADATA_LIFE old at most."""
        return self._keys(purpose).versions

    def issuer_versions(self) -> Sequence[IssuerVersion]:
        """As `keys.signer.KeyStore.issuer_versions`; METADATA_LIFE old at most."""
        return self._issuers().versions

    def bls_material(self, version: int) -> bytes:
        """As `keys.signer.KeyStore.bls_material`. Vault is asked each time, and its audit log says so."""
        self._issuer_version(IssuerKey.BLS, KeyRef(IssuerKey.BLS, version))
        return bls_material(self._vault, version)

    def revocation_list(self) -> bytes:
        """As `keys.signer.KeyStore.revocation_list`: of the intermediate in Vault. Anyone may read it."""
        answer = self._vault.read(f"{ISSUER_MOUNT}/cert/crl")
        listed = ((answer or {}).get("data") or {}).get("certificate") or ""
        return str(listed).encode()

    def anchors(self) -> str:
        """As `keys.signer.KeyStore.anchors`: those that were read with the claim key's chains last, so that verifying
        outlives an outage of Vault.
        """
        if not self._anchors:
            self._learn_anchors()
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

    def high_water(self, log: str) -> VaultHighWater:
        """As `keys.signer.KeyStore.high_water`."""
        return VaultHighWater(self._vault, log)

    def status(self) -> KeyStoreStatus:
        """As `keys.signer.KeyStore.status`. Asks Vault."""
        self._known.clear()
        self._known_issuers = None
        try:
            claim, unseen, log = (self._keys(one) for one in (*CLAIM_PURPOSES, Purpose.LOG))
            issuer = self._issuers()
            newest = _of_the_log(log.versions, None).ref
        except KeysError as error:
            return KeyStoreStatus("vault", ready=False, reason=str(error), keys=(), certificate_expires="")
        wrapping = ("a tenant's wrapping key",) if self._epochs_exposed else ()
        given_away = (*claim.exposed, *unseen.exposed, *log.exposed, *issuer.exposed, *wrapping)
        lines = (claim.versions, unseen.versions)
        return status("vault", lines, newest, self._clock(), given_away, issuer.versions)

    def _keys(self, purpose: Purpose, ref: KeyRef | None = None) -> TransitKeys:
        """As read lately, and anew where `ref` is not among them."""
        known, now = self._known.get(purpose), self._clock()
        if known is None or now - known.read_at >= METADATA_LIFE or (ref and not _has(known, ref)):
            keys = claim_keys(self._vault, purpose) if purpose in CLAIM_PURPOSES else log_key(self._vault)
            if current(keys.versions):
                # After the chains and before they are used: a root is there before what chains to it.
                self._learn_anchors()
            known = self._known[purpose] = _Known(now, keys)
        return known.keys

    def _issuers(self, ref: KeyRef | None = None) -> _KnownIssuers:
        """As read lately, and anew where `ref` is not among them."""
        known, now = self._known_issuers, self._clock()
        stale = known is None or now - known.read_at >= METADATA_LIFE
        if known is None or stale or (ref and all(version.ref != ref for version in known.versions)):
            known = self._known_issuers = _KnownIssuers(now, *issuer_versions(self._vault))
        return known

    def _issuer_version(self, key: IssuerKey, ref: KeyRef | None) -> IssuerVersion:
        """The version, or with none named the current one. Raises KeyNotFoundError for one that signs nothing."""
        versions = self._issuers(ref).versions
        found = find_issuer_key(versions, ref) if ref else current_issuer_key(versions, key)
        if found.retired:
            raise KeyNotFoundError(f"{found.ref} is retired and signs nothing")
        return found

    def _learn_anchors(self) -> None:
        found = roots(self._vault)
        if not found:
            raise KeyNotFoundError("Vault has no root certificate for claims: run the bootstrap, or install a chain")
        self._anchors = found

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
        if exposed(key):
            self._epochs_exposed = True
        return key


def _has(known: _Known, ref: KeyRef) -> bool:
    return any(version.ref == ref and version.may_sign for version in known.keys.versions)


def _of_the_log(versions: Sequence[Version], ref: KeyRef | None) -> Version:
    if not versions:
        raise KeyNotFoundError(f"Vault has no key {Purpose.LOG.key_name}: run the bootstrap")
    return find(versions, ref) if ref else versions[-1]


def _epoch_path(operation: str, tenant: str) -> str:
    return f"{EPOCHS_MOUNT}/{operation}/{quote(tenant, safe='')}"


def _epoch_number(wrapped: bytes) -> int:
    shape = _WRAPPED.fullmatch(wrapped)
    if shape is None:
        raise SealBrokenError("this is not a wrapped epoch key of Vault's")
    return int(shape[1])
