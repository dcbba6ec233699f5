"""Image codes as others exchange them: ISCC units, as text or bytes (ISO 24138). Loads no decoder."""

from __future__ import annotations

import base64
from typing import Final

ALGORITHM: Final = "io.iscc.v0"
"""Its name in C2PA's soft-binding algorithm list."""

_HEADER: Final = b"\x21\x07"
"""Of a unit: content code, of an image, version 0, 256 bits long."""

_SHORTEST: Final = 8
"""Bytes of the shortest unit."""

_PREFIX: Final = "ISCC:"


def to_iscc(code: str) -> str:
    """A code in hex as the ISCC unit that others exchange."""
    return _PREFIX + base64.b32encode(_HEADER + bytes.fromhex(code)).decode().rstrip("=")


def from_iscc(value: bytes) -> bytes:
    """The bits of a unit, as text or as its own bytes: 256, or the 64, 96 … that it is cut to. Raises ValueError."""
    unit = value
    if value[: len(_PREFIX)].upper() == _PREFIX.encode():
        unit = value[len(_PREFIX) :]
    if len(unit) > len(_HEADER) and unit[:1] != _HEADER[:1]:
        try:
            unit = base64.b32decode(unit + b"=" * (-len(unit) % 8))
        except ValueError as error:
            raise ValueError("it is not base32, nor the bytes of an ISCC unit") from error
    length = 4 * ((unit[1] & 0x0F) + 1) if len(unit) > len(_HEADER) else 0
    if len(unit) != len(_HEADER) + length or length < _SHORTEST or unit[:1] != _HEADER[:1] or unit[1] >> 4:
        raise ValueError("it is not one ISCC unit of an image, version 0, with 64 to 256 bits")
    return unit[len(_HEADER) :]
