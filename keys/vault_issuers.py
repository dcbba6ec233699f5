"""The issuer's keys in Vault: three transit keys, none of which leaves it.

Ed25519 and P-256 sign there. Transit has no BLS12-381: what the BLS key is made of is the third one's HMAC of a fixed
label (each version of a transit key has a key for HMAC), all that the service's policy lets it ask of it. Versions,
rotating and retiring are transit's own for all three, and need an operator's token (deploy/vault/sigillo-operator.hcl).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from keys.chain import rfc3339
from keys.clock import Clock, system_clock
from keys.errors import KeyNotFoundError, KeyStoreRefusedError, RetirementRefusedError
from keys.issuer_keys import BLS_LABEL, IssuerKey, IssuerVersion, current, find
from keys.signer import Algorithm, KeyRef
from keys.vault import Vault
from keys.vault_versions import KEY_TYPES, SIGNING_MOUNT, exposed, transit_public_key

ALGORITHMS: Final = {IssuerKey.ED25519: Algorithm.ED25519, IssuerKey.P256: Algorithm.ES256}
HMAC_TYPE: Final = "aes256-gcm96"
TRANSIT_TYPES: Final = {key: KEY_TYPES[ALGORITHMS[key]] if key in ALGORITHMS else HMAC_TYPE for key in IssuerKey}
"""As transit calls them. A type for HMAC alone would need a size besides, which policies here let nobody set."""

SETTLING_TIME: Final = timedelta(minutes=1)
"""From a version's making until every service has taken it, said so, and finished what it began with the one before."""


class VaultIssuerKeys:
    """Implements `keys.issuer_keys.IssuerKeys`."""

    def __init__(self, vault: Vault, clock: Clock = system_clock) -> None:
        self._vault, self._clock = vault, clock

    def versions(self) -> Sequence[IssuerVersion]:
        """As `IssuerKeys.versions`."""
        return issuer_versions(self._vault)[0]

    def make(self, key: IssuerKey) -> KeyRef:
        """As `IssuerKeys.make`; the first makes the transit key."""
        if self._vault.read(_path(key)) is None:
            self._vault.write(_path(key), {"type": TRANSIT_TYPES[key]})
        else:
            self._vault.write(f"{_path(key)}/rotate", {})
        return KeyRef(key, int(self._read(key)["latest_version"]))

    def retire(self, ref: KeyRef) -> None:
        """As `IssuerKeys.retire`: the key's least version for signing rises.

        Raises RetirementRefusedError while a service may not have noticed what replaces it.
        """
        versions = self.versions()
        find(versions, ref)
        successor = current(versions, IssuerKey(ref.name)).ref
        settled = _made(self._read(successor.name)["keys"][str(successor.version)]) + SETTLING_TIME
        if settled > self._clock():
            raise RetirementRefusedError(
                f"{successor} is so new that a service may not use it yet: try again after {rfc3339(settled)}"
            )
        self._vault.write(f"{_path(ref.name)}/config", {"min_encryption_version": ref.version + 1})

    def _read(self, name: str) -> dict[str, Any]:
        answer = self._vault.read(_path(name))
        if answer is None:
            raise KeyNotFoundError(f"Vault has no key {name}: run the bootstrap")
        data: dict[str, Any] = answer["data"]
        return data


def issuer_versions(vault: Vault) -> tuple[tuple[IssuerVersion, ...], tuple[str, ...]]:
    """Every version, and the names of keys that Vault would give away. Raises KeyStoreUnavailableError."""
    found: list[IssuerVersion] = []
    given_away = []
    for key in IssuerKey:
        answer = vault.read(_path(key))
        if answer is not None:
            found += sorted(_versions(key, answer["data"]), key=lambda one: one.ref.version)
            given_away += [str(key)] if exposed(answer["data"]) else []
    return tuple(found), tuple(given_away)


def bls_material(vault: Vault, version: int) -> bytes:
    """32 bytes, the same each time. Raises KeyStoreUnavailableError."""
    data = {"input": b64encode(BLS_LABEL).decode(), "key_version": version}
    answer: str = vault.write(f"{SIGNING_MOUNT}/hmac/{IssuerKey.BLS}/sha2-256", data)["data"]["hmac"]
    prefix = f"vault:v{version}:"
    if not answer.startswith(prefix):
        raise KeyStoreRefusedError(f"Vault did not answer with version {version} of {IssuerKey.BLS}")
    return b64decode(answer.removeprefix(prefix))


def _versions(key: IssuerKey, data: Mapping[str, Any]) -> list[IssuerVersion]:
    return [
        IssuerVersion(
            KeyRef(key, int(number)),
            transit_public_key(ALGORITHMS[key], told["public_key"]) if key in ALGORITHMS else b"",
            retired=int(number) < data["min_encryption_version"],
        )
        for number, told in data["keys"].items()
    ]


def _made(told: Mapping[str, Any] | int) -> datetime:
    """When a version was made: transit tells less of keys without a public part."""
    return datetime.fromtimestamp(told, UTC) if isinstance(told, int) else datetime.fromisoformat(told["creation_time"])


def _path(name: str) -> str:
    return f"{SIGNING_MOUNT}/keys/{name}"
