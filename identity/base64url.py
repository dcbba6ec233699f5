"""base64url without padding (RFC 4648, section 5; RFC 7515, section 2).

Rules
- One text for one sequence of bytes: padding, other characters, and spare bits that are not zero are refused, which
  the standard decoder would pass over.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from identity.errors import TokenUnreadableError

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """The text for these bytes."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    """The bytes that this text, and no other, stands for; `what` names it in the error. Raises TokenUnreadableError."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if _ALPHABET.fullmatch(text) else None
    except binascii.Error:
        data = None
    if data is None or encode(data) != text:
        raise TokenUnreadableError(f"{what} is not base64url without padding")
    return data
