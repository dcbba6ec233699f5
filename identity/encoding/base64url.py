"""base64url without padding (RFC 4648, section 5; RFC 7515, section 2).

Rules
- One text for one sequence of bytes: padding, other characters, and spare bits that are not zero are refused, which
  the standard decoder would pass over.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from identity.errors import TokenUnreadableError


def encode(data: bytes) -> str:
    """The text for these bytes."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    """The bytes that this text, and no other, stands for; `what` names it in the error. Raises TokenUnreadableError."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = None
    if data is None or encode(data) != text:  # the decoder passes over what has no place in the text
        raise TokenUnreadableError(f"{what} is not base64url without padding")
    return data
