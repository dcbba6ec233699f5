"""A claim key in Vault, as an operator handles it, with a token that may (deploy/vault/sigillo-operator.hcl).

The service's own token may do nothing of this. Retiring is a setting of the key, which whoever may configure it can
take back: to make sure, revoke the certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keys.certificates import LEAF_DAYS, LEAF_NAMES, request, subject_name
from keys.chain import rfc3339
from keys.clock import Clock, system_clock
from keys.errors import KeyNotFoundError, RetirementRefusedError
from keys.signer import Algorithm, KeyRef, Purpose
from keys.vault import Vault
from keys.vault_versions import CLAIM_KEYS, ISSUER_MOUNT, KEY_TYPES, ROOT_MOUNT, SIGNING_MOUNT, claim_keys, roots
from keys.versions import Version, find, in_force

CLAIM_ROLE: Final = "sigillo-claim"

SETTLING_TIME: Final = timedelta(minutes=1)
"""From a version's making until every service has taken it and finished what it began with the one before."""


class VaultClaimKeys:
    """Implements `keys.rotation.ClaimKeys`."""

    def __init__(self, vault: Vault, clock: Clock = system_clock, purpose: Purpose = Purpose.CLAIM) -> None:
        """`purpose` is one of CLAIM_PURPOSES."""
        self._vault, self._clock, self._purpose = vault, clock, purpose

    def versions(self) -> Sequence[Version]:
        """As `ClaimKeys.versions`."""
        return claim_keys(self._vault, self._purpose).versions

    def roots(self) -> str:
        """As `ClaimKeys.roots`."""
        return roots(self._vault)

    def certifies(self) -> bool:
        """Whether the intermediate is here."""
        return self._vault.list(f"{ISSUER_MOUNT}/issuers") is not None

    def make(self, algorithm: Algorithm) -> KeyRef:
        """As `ClaimKeys.make`; the first of its algorithm makes the transit key."""
        name = CLAIM_KEYS[self._purpose][algorithm]
        if self._vault.read(_path(name)) is None:
            self._write(_path(name), {"type": KEY_TYPES[algorithm]})
        else:
            self._write(f"{_path(name)}/rotate", {})
        return KeyRef(name, self._latest(name))

    def request(self, ref: KeyRef, subject: x509.Name) -> str:
        """As `ClaimKeys.request`."""
        # Transit keeps the subject of the request it is given and replaces the key.
        template = request(ec.generate_private_key(ec.SECP256R1()), subject)
        answer = self._write(f"{_path(ref.name)}/csr", {"csr": template, "version": ref.version})
        csr: str = answer["csr"].strip() + "\n"
        return csr

    def certify(self, ref: KeyRef) -> None:
        """As `ClaimKeys.certify`."""
        name = LEAF_NAMES[self._purpose]
        wanted = {"common_name": name, "exclude_cn_from_sans": True, "ttl": f"{LEAF_DAYS}d"}
        csr = self.request(ref, subject_name(name))
        leaf = self._write(f"{ISSUER_MOUNT}/sign/{CLAIM_ROLE}", {**wanted, "csr": csr})["certificate"]
        issuer = self._read(f"{ISSUER_MOUNT}/cert/ca")["certificate"]
        self._set(ref, f"{leaf.strip()}\n{issuer.strip()}\n")

    def install(self, ref: KeyRef, chain: str, root: str) -> None:
        """As `ClaimKeys.install`: the root first, so that no service signs under one that it does not know."""
        if root not in self.roots():
            self._write(f"{ROOT_MOUNT}/issuers/import/cert", {"pem_bundle": root})
        self._set(ref, chain)

    def retire(self, ref: KeyRef) -> None:
        """As `ClaimKeys.retire`: the key's least version for signing rises. (Its least version for verifying stays.)

        Raises RetirementRefusedError while a service may not have noticed what replaces it.
        """
        keys = claim_keys(self._vault, self._purpose)
        find(keys.versions, ref)  # the log's key, too, has a least version
        successor = in_force(keys.versions)
        settled = dict(zip(keys.versions, keys.made, strict=True))[successor] + SETTLING_TIME
        if settled > self._clock():
            raise RetirementRefusedError(
                f"{successor.ref} is so new that a service may not use it yet: try again after {rfc3339(settled)}"
            )
        if ref.version == self._latest(ref.name):
            # Transit wants a version above the least: one that nobody certifies.
            self._write(f"{_path(ref.name)}/rotate", {})
        self._write(f"{_path(ref.name)}/config", {"min_encryption_version": ref.version + 1})

    def _set(self, ref: KeyRef, chain: str) -> None:
        self._write(f"{_path(ref.name)}/set-certificate", {"certificate_chain": chain, "version": ref.version})

    def _latest(self, name: str) -> int:
        return int(self._read(_path(name))["latest_version"])

    def _read(self, path: str) -> dict[str, Any]:
        answer = self._vault.read(path)
        if answer is None:
            raise KeyNotFoundError(f"Vault has nothing at {path}: run the bootstrap")
        data: dict[str, Any] = answer["data"]
        return data

    def _write(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return self._vault.write(path, data).get("data") or {}


def _path(name: str) -> str:
    return f"{SIGNING_MOUNT}/keys/{name}"
