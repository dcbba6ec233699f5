"""The kind of entry by which a generation of the index commits to the registrations in it.

Its payload is made to be shown: it goes, opened, with every proof of absence. It names the tenant and nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind

POLICY: Final = "index.generation@1"


@dataclass(frozen=True)
class IndexCommitted:
    """What is searched for a tenant was found to be of exactly these registrations."""

    index: str
    """Whose index it is: the tenant's id."""

    generation: int
    """1, 2, 3… of that index."""

    size: int
    root: str
    """Of the prefix tree over SHA-256(salt ‖ registration id), hex."""

    salt: str
    """32 random bytes of this generation's own, hex: two generations' trees show nothing of who is in both."""


INDEX_COMMITTED: Final = Kind("index.committed", IndexCommitted)
KINDS: Final = (INDEX_COMMITTED,)
"""What the composition root registers."""
