"""How the keys are, for an operator: what their store says, and which of their versions are revoked.

The store does not know: revocations are rows (ADR 0008), read here beside a service that may be running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from cases.errors import SignerRevokedError
from cases.revocation import recorded, revoked_versions
from identity.issuing.editions import revoked_keys
from keys.revocation import Revocation
from keys.signer import KeyStore, KeyStoreStatus
from keys.versions import claim_versions, current
from ledger.storage.database import Database

REVOKED: Final = "revoked"
"""The state of such a version, whatever its store calls it."""


@dataclass(frozen=True)
class Revoked:
    """What a service recorded."""

    certificates: tuple[Revocation, ...] = ()
    issuer_keys: frozenset[str] = frozenset()

    @classmethod
    def of(cls, database: Database) -> Self:
        """Raises DatabaseUnavailableError."""
        return cls(recorded(database), revoked_keys(database))


def key_status(keys: KeyStore, revoked: Revoked) -> KeyStoreStatus:
    """As the store says, but for versions that are revoked; not ready while the current one of the claim key is.

    Raises KeysError when the store ceases to answer meanwhile.
    """
    found = keys.status()
    issuer = tuple(replace(one, state=REVOKED) if one.key in revoked.issuer_keys else one for one in found.issuer)
    return _claim_key(keys, replace(found, issuer=issuer), revoked.certificates)


def _claim_key(keys: KeyStore, found: KeyStoreStatus, known: Sequence[Revocation]) -> KeyStoreStatus:
    if not known or not found.versions:
        return found
    versions = keys.versions()
    which = {str(ref): one for ref, one in revoked_versions(claim_versions(keys), known).items()}
    told, unseen = (
        tuple(replace(one, state=REVOKED) if one.key in which else one for one in line)
        for line in (found.versions, found.unseen_versions)
    )
    signs = current(versions)
    why = str(SignerRevokedError(key, which[key])) if signs and (key := str(signs.ref)) in which else ""
    return replace(
        found, ready=found.ready and not why, reason=found.reason or why, versions=told, unseen_versions=unseen
    )
