"""The kinds of entry that change how a credential stands.

Sealed under the tenant's system subject: what was done with a credential must outlive it. They name it by its random
id, and nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from identity.status.token import Status
from ledger.payload import Kind

POLICY: Final = "credential.status@1"


@dataclass(frozen=True)
class StatusChanged:
    """A credential was revoked, suspended, or reinstated."""

    credential: str
    list: str
    place: int
    before: str
    """`valid` or `suspended`."""

    reason: str


REVOKED: Final = Kind("credential.revoked", StatusChanged)
SUSPENDED: Final = Kind("credential.suspended", StatusChanged)
REINSTATED: Final = Kind("credential.reinstated", StatusChanged)
KINDS: Final = (REVOKED, SUSPENDED, REINSTATED)

KIND_OF: Final[Mapping[Status, Kind]] = {
    Status.INVALID: REVOKED,
    Status.SUSPENDED: SUSPENDED,
    Status.VALID: REINSTATED,
}
"""By what the credential comes to stand at."""
