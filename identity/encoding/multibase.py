"""Bytes as text that says in which alphabet: `z` base58btc, `u` base64url (Controlled Identifiers 1.0 §2.4).

One text for one sequence of bytes. Base58 takes quadratic time, so its length is limited before.
"""

from __future__ import annotations

from typing import Final

from identity.encoding import base64url
from identity.errors import TokenUnreadableError

MAX_BASE58: Final = 256
"""Characters: a P-384 signature takes 132."""

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """As base58btc."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "z" + "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def encode_base64(data: bytes) -> str:
    """As base64url without padding."""
    return "u" + base64url.encode(data)


def decode(text: str) -> bytes:
    """Raises ValueError for another alphabet, a character outside it, or too many."""
    if text.startswith("z"):
        return _base58(text[1:])
    if not text.startswith("u"):
        raise ValueError("neither base58btc nor base64url")
    try:
        return base64url.decode(text[1:], "it")
    except TokenUnreadableError as error:
        raise ValueError(str(error)) from error


def _base58(digits: str) -> bytes:
    if len(digits) > MAX_BASE58:
        raise ValueError(f"longer than {MAX_BASE58} characters")
    number = 0
    for digit in digits:
        if digit not in _VALUES:
            raise ValueError(f"{digit!r} is not in base58btc")
        number = number * 58 + _VALUES[digit]
    zeros = len(digits) - len(digits.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
