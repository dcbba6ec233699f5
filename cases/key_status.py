"""How the claim key is, for an operator: what its store says, and which of its versions are revoked.

The store does not know: revocations are rows (ADR 0008), read here beside a service that may be running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cases.errors import SignerRevokedError
from cases.revocation import revoked_versions
from keys.revocation import Revocation
from keys.signer import KeyStore, KeyStoreStatus
from keys.versions import current

REVOKED: Final = "revoked"
"""The state of such a version, whatever its store calls it."""


def key_status(keys: KeyStore, known: Sequence[Revocation]) -> KeyStoreStatus:
    """As the store says, but for versions that are revoked; not ready while the current one is.

    Raises KeysError when the store ceases to answer meanwhile.
    """
    found = keys.status()
    if not known or not found.versions:
        return found
    versions = keys.versions()
    revoked = {str(ref): one for ref, one in revoked_versions(versions, known).items()}
    told = tuple(replace(one, state=REVOKED) if one.key in revoked else one for one in found.versions)
    signs = current(versions)
    why = str(SignerRevokedError(key, revoked[key])) if signs and (key := str(signs.ref)) in revoked else ""
    return replace(found, ready=found.ready and not why, reason=found.reason or why, versions=told)
