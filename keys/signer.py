"""The shape of a key store: what may be signed and which epochs may be opened.

Rules
- A signature always pins a key version; a certificate chain belongs to exactly one version.
- No private key crosses this interface, but for what no store can do: epoch data keys are opened into memory for at
  most an hour, and what the issuer's BLS key is made of for one signature.
- Every failure is one of `keys.errors`, never a bare False.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from keys.high_water import HighWater
    from keys.issuer_keys import IssuerVersion
    from keys.versions import Version


class Algorithm(StrEnum):
    """Signature algorithms by their JOSE names (RFC 7518, RFC 8037)."""

    ES256 = "ES256"
    ED25519 = "EdDSA"


class Purpose(StrEnum):
    """What a signing key is for."""

    CLAIM = "claim"
    """C2PA claims: ES256 or Ed25519, each version with a certificate chain."""

    CLAIM_UNSEEN = "claim-unseen"
    """C2PA claims over content that never came here: likewise, under certificates whose name says so."""

    LOG = "log"
    """Ledger checkpoints: Ed25519, no certificate."""

    ISSUER_ED25519 = "issuer-ed25519"
    """Credentials: Ed25519, no certificate; which versions there are, the issuer's DID document says."""

    ISSUER_P256 = "issuer-p256"
    """Credentials: ES256, likewise."""

    @property
    def key_name(self) -> str:
        """The key's name in every store, so that a KeyRef reads the same everywhere."""
        return f"sigillo-{self}"


CLAIM_PURPOSES: Final = (Purpose.CLAIM, Purpose.CLAIM_UNSEEN)
"""Keys whose versions are certified, each a line of its own."""


@dataclass(frozen=True)
class KeyRef:
    """One version of one named key."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` gives, back. Raises ValueError."""
        name, at, version = text.rpartition("@")
        if not at or not name or not (version.isascii() and version.isdecimal()):
            raise ValueError(f"{text!r} is not a key version such as sigillo-claim@2")
        return cls(name, int(version))


@dataclass(frozen=True)
class EpochKey:
    """An epoch data key: `number` is the version of the tenant's wrapping key that wraps it."""

    number: int
    key: bytes = field(repr=False)
    """32 bytes."""

    wrapped: bytes
    """What the key store gives back the key for; safe in the database and in backups."""


@dataclass(frozen=True)
class VersionStatus:
    """One version of a claim key."""

    key: str
    """Such as sigillo-claim@2."""

    algorithm: str
    state: str
    """Of `keys.versions.State`; to operators also `revoked` (`cases.key_status`)."""

    certificate_expires: str
    """RFC 3339; empty without a certificate."""


@dataclass(frozen=True)
class IssuerKeyStatus:
    """One version of one of the issuer's keys."""

    key: str
    """Such as sigillo-issuer-p256@2."""

    state: str
    """Of `keys.issuer_keys.IssuerState`; to operators also `revoked`."""


@dataclass(frozen=True)
class KeyStoreStatus:
    """What an operator wants to know at a glance."""

    kind: str
    """`embedded` or `vault`."""

    ready: bool
    reason: str
    """Empty when ready; otherwise what is wrong and what to do."""

    keys: tuple[KeyRef, ...]
    """Signing keys with their current version."""

    certificate_expires: str
    """When the current claim certificate ends, RFC 3339; empty when there is none."""

    warning: str = ""
    """What an operator should see to although it is ready; empty for nothing."""

    versions: tuple[VersionStatus, ...] = ()
    """Of the claim key, in the order they were made."""

    unseen_versions: tuple[VersionStatus, ...] = ()
    """Of the key for claims over content that is not seen, likewise."""

    issuer: tuple[IssuerKeyStatus, ...] = ()
    """Of the issuer's keys, likewise."""


class Signer(Protocol):
    """One version of one signing key."""

    @property
    def ref(self) -> KeyRef: ...

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def public_key(self) -> bytes:
        """DER SubjectPublicKeyInfo."""

    @property
    def chain(self) -> str:
        """PEM certificates of this version, leaf first, root left out; empty for the log key."""

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message: 64 bytes r‖s for ES256 (hashed here with SHA-256), 64 for Ed25519.

        Raises KeyStoreUnavailableError when the store is sealed, down or forbids it.
        """


class KeyStore(Protocol):
    """Signing keys and epochs. Implemented by `keys.local` and `keys.vault_store`."""

    def signer(self, purpose: Purpose, version: int | None = None) -> Signer:
        """The signer of that version of the key named `purpose.key_name`, or of the current one.

        Raises KeyNotFoundError, and KeyStoreUnavailableError (which includes CertificateExpiredError and
        CertificateUnfitError: a claim signed under such a certificate would be invalid everywhere).
        """

    def versions(self, purpose: Purpose = Purpose.CLAIM) -> Sequence[Version]:
        """Every version of one of CLAIM_PURPOSES, in the order they were made, retired ones included. Raises as
        `signer`.
        """

    def issuer_versions(self) -> Sequence[IssuerVersion]:
        """Every version of the issuer's keys, of each in the order they were made. Raises KeyStoreUnavailableError."""

    def bls_material(self, version: int) -> bytes:
        """32 bytes, the same each time, out of which that version of the issuer's BLS key is made. To be dropped after
        one signature. Raises KeyNotFoundError for an unknown or retired version, KeyStoreUnavailableError.
        """

    def revocation_list(self) -> bytes:
        """The list, PEM, in which this store's own CA says which certificates it revoked; empty where it has none.

        Raises KeyStoreUnavailableError.
        """

    def anchors(self) -> str:
        """PEM roots under which this store's claim certificates chain, those of outside CAs included. They cover
        whatever chain `signer` has given; once known they are given without asking anybody.
        """

    def open_epoch(self, tenant: str, wrapped: bytes | None = None) -> EpochKey:
        """Unwrap an epoch data key; with none given, make a new one under the tenant's newest epoch.

        Raises EpochDestroyedError when that epoch is gone for good, KeyNotFoundError when the tenant has
        none, SealBrokenError when this tenant's epochs did not wrap it.
        """

    def advance_epoch(self, tenant: str) -> int:
        """Begin the tenant's next epoch and return its number; the first call begins epoch 1."""

    def destroy_epochs(self, tenant: str, before: int) -> None:
        """Destroy every epoch numbered below `before`: what they wrapped never opens again, backups included.

        Repeatable. Raises ValueError if `before` is beyond the newest epoch, KeyNotFoundError when the tenant
        has none.
        """

    def high_water(self, log: str) -> HighWater:
        """Where this store keeps how far the log of that origin was signed. Asks nobody."""

    def status(self) -> KeyStoreStatus:
        """Never raises: a store that cannot be reached says so in `reason`."""
