"""Links for a phone's camera: QR codes (ISO/IEC 18004), as SVG or PNG.

A link that wallets open may say a whole request, so the least correction (L) is taken: a screen has no dirt on it.
"""

from __future__ import annotations

import io
from enum import StrEnum
from typing import Final

import segno

MAX_BYTES: Final = 2953
"""What the largest code holds at L."""

QUIET: Final = 4
"""Modules of white around it, as the standard asks for."""

PIXELS: Final = 6
"""Of a module's side, in a PNG."""


class Picture(StrEnum):
    """As what a code is drawn."""

    SVG = "svg"
    PNG = "png"

    @property
    def mime(self) -> str:
        """Its media type."""
        return {Picture.SVG: "image/svg+xml", Picture.PNG: "image/png"}[self]


class LinkTooLongError(Exception):
    """No QR code holds this link."""

    def __init__(self, length: int) -> None:
        super().__init__(f"the link has {length} characters, and a QR code holds {MAX_BYTES}: show the link itself")


def qr_code(link: str, picture: Picture) -> bytes:
    """The picture of an ASCII link, dark on white. Raises LinkTooLongError."""
    code, out = _code(link), io.BytesIO()
    scale = PIXELS if picture is Picture.PNG else 1
    code.save(out, kind=picture.value, scale=scale, border=QUIET, light="white")
    return out.getvalue()


def in_letters(link: str) -> str:
    """The same for a terminal, in half blocks of its two colours. Raises LinkTooLongError."""
    out = io.StringIO()
    _code(link).terminal(out=out, border=2, compact=True)
    return out.getvalue().rstrip("\n")


def _code(link: str) -> segno.QRCode:
    if len(link) > MAX_BYTES:
        raise LinkTooLongError(len(link))
    return segno.make_qr(link, error="l", mode="byte", boost_error=False)
