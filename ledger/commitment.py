"""What binds a payload to its entry, for whoever has both: salt and payload opened, and the entry's `commit`."""

from __future__ import annotations

import hmac

_PREFIX = b"ledger/v1/payload\x00"


def commitment(salt: bytes, data: bytes) -> str:
    """The entry's `commit`: 64 hex digits."""
    return hmac.digest(salt, _PREFIX + data, "sha256").hex()
