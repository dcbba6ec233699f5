"""The issuer's three keys, one for each kind of proof, and the two acts of an operator: the same on every store.

    made ── current ──▶ superseded ──▶ retired

Rules
- The current version of a key is its newest that is not retired. What another one signed verifies for ever.
- A retired version never signs again, nor do those made before it; the current one is not retired.
- Ed25519 and P-256 sign in the store (`keys.signer.Signer`). No store signs with BLS12-381: what that key is made of
  is given out for one signature at a time (docs/threat-model.md, ADR 0017).

A running service takes what changes by itself, and says so in its DID document (ADR 0010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from keys.errors import KeyNotFoundError, RetirementRefusedError
from keys.signer import IssuerKeyStatus, KeyRef, Purpose

BLS_LABEL: Final = b"sigillo/issuer-bls/v1"
"""What a store computes its answer over, so that this key's material is that of nothing else."""


class IssuerKey(StrEnum):
    """By its name in every store."""

    ED25519 = Purpose.ISSUER_ED25519.key_name
    P256 = Purpose.ISSUER_P256.key_name
    BLS = "sigillo-issuer-bls"


PURPOSES: Final = {Purpose.ISSUER_ED25519: IssuerKey.ED25519, Purpose.ISSUER_P256: IssuerKey.P256}
"""Of those that sign in the store; what is left is BLS12-381."""


class IssuerState(StrEnum):
    """Where a version is in its life."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


@dataclass(frozen=True)
class IssuerVersion:
    """One version of one of the three."""

    ref: KeyRef
    public_key: bytes
    """DER SubjectPublicKeyInfo; empty for BLS12-381, and where a retired version's is not kept."""

    retired: bool = False

    @property
    def key(self) -> IssuerKey:
        """Of which it is a version."""
        return IssuerKey(self.ref.name)


class IssuerKeys(Protocol):
    """The issuer's keys as an operator handles them. Implemented by `keys.local_issuers` and `keys.vault_issuers`.

    Every method raises KeyStoreUnavailableError when the store cannot serve.
    """

    def versions(self) -> Sequence[IssuerVersion]:
        """Of each key in the order they were made."""

    def make(self, key: IssuerKey) -> KeyRef:
        """A new version."""

    def retire(self, ref: KeyRef) -> None:
        """End signing for a version and those made before it."""


def rotate(keys: IssuerKeys, key: IssuerKey) -> IssuerVersion:
    """Make a version of a key: the current one from now on."""
    made = keys.make(key)
    return find(keys.versions(), made)


def retire(keys: IssuerKeys, ref: KeyRef) -> tuple[IssuerVersion, ...]:
    """End signing for a version and those made before it; those that were ended now.

    Raises KeyNotFoundError, RetirementRefusedError, KeyStoreUnavailableError.
    """
    before = keys.versions()
    if current(before, find(before, ref).key).ref.version <= ref.version:
        raise RetirementRefusedError(f"{ref} signs now: `sigillo keys rotate --issuer …` first")
    doomed = [one for one in before if one.ref.name == ref.name and one.ref.version <= ref.version and not one.retired]
    if doomed:
        keys.retire(ref)
    return tuple(find(keys.versions(), one.ref) for one in doomed)


def current(versions: Sequence[IssuerVersion], key: IssuerKey) -> IssuerVersion:
    """The version of that key that signs. Raises KeyNotFoundError, with what to do."""
    found = next((one for one in reversed(versions) if one.key is key and not one.retired), None)
    if found is None:
        raise KeyNotFoundError(
            f"no {key} signs: with Vault run the bootstrap again, or make one (`sigillo keys rotate --issuer …`)"
        )
    return found


def find(versions: Sequence[IssuerVersion], ref: KeyRef) -> IssuerVersion:
    """One of them. Raises KeyNotFoundError."""
    found = next((one for one in versions if one.ref == ref), None)
    if found is None:
        raise KeyNotFoundError(f"there is no {ref}: `sigillo keys status` lists the versions")
    return found


def state(version: IssuerVersion, among: Sequence[IssuerVersion]) -> IssuerState:
    """Where one of these versions is in its life."""
    if version.retired:
        return IssuerState.RETIRED
    return IssuerState.CURRENT if version == current(among, version.key) else IssuerState.SUPERSEDED


def described(versions: Sequence[IssuerVersion]) -> tuple[IssuerKeyStatus, ...]:
    """Each, for people and programs."""
    return tuple(IssuerKeyStatus(str(version.ref), state(version, versions)) for version in versions)


def missing(versions: Sequence[IssuerVersion]) -> str:
    """What to say where a key of the three has no version that signs; empty for nothing."""
    signing = {version.key for version in versions if not version.retired}
    absent = [key for key in IssuerKey if key not in signing]
    return f"no credentials can be issued without {', '.join(absent)}: run the bootstrap again" if absent else ""
