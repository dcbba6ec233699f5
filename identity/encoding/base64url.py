"""base64url without padding (RFC 4648, section 5; RFC 7515, section 2).

Rules
- One text for one sequence of bytes: padding, other characters, and spare bits that are not zero are refused, which
  the standard decoder would pass over.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final

from identity.errors import TokenUnreadableError

_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/   ")
"""To the alphabet of the standard library, in which ours has no `+`, `/` or padding."""

_URL: Final = bytes.maketrans(b"+/", b"-_")
_LAST: Final = {0: b"", 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
"""Characters that leave no spare bit set, by how many stand behind the last group of four."""


def encode(data: bytes) -> str:
    """The text for these bytes."""
    return b2a_base64(data, newline=False).translate(_URL).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    """The bytes that this text, and no other, stands for; `what` names it in the error. Raises TokenUnreadableError."""
    behind = len(text) % 4
    try:
        characters = text.encode("ascii")
        if behind and characters[-1] not in _LAST[behind]:
            raise TokenUnreadableError(f"{what} is not base64url without padding: bits are left over")
        return a2b_base64(characters.translate(_STANDARD) + b"=" * (-behind % 4), strict_mode=True)
    except (ValueError, LookupError) as error:
        raise TokenUnreadableError(f"{what} is not base64url without padding") from error
