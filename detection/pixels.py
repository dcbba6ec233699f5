"""The canonical pixel hash, normal form `sigillo/pixels/v1`.

Two files whose pixels look the same bit for bit have the same hash, whatever their format, palette or
metadata: a PNG, the same PNG with a palette, and a lossless WebP of it all agree. The form:

1. The picture upright: EXIF orientation (tag 0x0112) applied. An EXIF block that cannot be read, and a value
   outside 1 to 8, count as 1.
2. Its mode: `I;16` (16-bit grey), `CMYK` and `LAB` stay. All else becomes `RGB` when it has no transparency or none
   that shows (every alpha is 255), and `RGBA` otherwise, where a pixel with alpha 0 counts as (0, 0, 0, 0).
3. SHA-256 over the ASCII line `sigillo/pixels/v1 <mode> <width>x<height>` with its newline, then the rows
   from top to bottom, each pixel's channels in order, 8 bits each; `I;16` two bytes each, little-endian.

Limits: Pillow decodes 16-bit colour to 8 bits a channel, so only those are hashed; the transparent grey
level of a 16-bit grey PNG is not part of the form; colour profiles are not applied.
"""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from detection.examination import NormalForm

STRIP_ROWS = 64
"""Rows copied at a time: little memory, and few calls."""

_KEPT = frozenset({"I;16", "CMYK", "LAB"})
_OPAQUE = (255, 255)
_ONLY_ZERO = [255] + 255 * [0]


def pixel_hash(normal: Image.Image) -> str:
    """SHA-256 in hex of an upright picture that `normalised` returned."""
    digest = hashlib.sha256(f"{NormalForm.PIXELS} {normal.mode} {normal.width}x{normal.height}\n".encode())
    for top in range(0, normal.height, STRIP_ROWS):
        box = (0, top, normal.width, min(top + STRIP_ROWS, normal.height))
        digest.update(normal.crop(box).tobytes())
    return digest.hexdigest()


def normalised(image: Image.Image) -> Image.Image:
    """The upright picture in mode RGB, RGBA, CMYK, LAB or I;16, invisible colours cleared."""
    if image.mode == "I;16B":
        return Image.fromarray(np.asarray(image).astype("<u2"))
    if image.mode in _KEPT:
        return image
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    coloured = image.convert("RGBA")
    alpha = coloured.getchannel("A")
    if alpha.getextrema() == _OPAQUE:
        return coloured.convert("RGB")
    if coloured is image:
        coloured = image.copy()
    coloured.paste((0, 0, 0, 0), mask=alpha.point(_ONLY_ZERO))
    return coloured
