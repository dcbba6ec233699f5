"""How a picture looks, as others name it: the ISCC's Image-Code, 256 bits (ISO 24138, version 0).

It is the one fingerprint that C2PA's list of soft-binding algorithms names and anybody may compute (`io.iscc.v0`): the
signs, against their medians, of four blocks of a picture's lowest frequencies. It is made of the picture as
`detection.fingerprint` sees it, at most PDQ_SIDE pixels on the long side: some bits of 256 beside what comes of the
whole. A border of one colour, such as a screenshot adds, is cut off first.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from detection.fingerprint import PDQ_SIDE, as_seen

SIDE: Final = 32
_BLOCK: Final = 8
_COSINES: Final = np.cos(np.pi / SIDE * np.outer(np.arange(2 * _BLOCK), np.arange(SIDE) + 0.5))
_DIGITS: Final = 6
"""What is no shade of a picture but of arithmetic is nothing."""


def image_code(normal: Image.Image) -> str:
    """Of an upright picture in normal form, in hex."""
    return digest(np.asarray(_grey(normal))).hex()


def image_codes(normal: Image.Image) -> tuple[str, ...]:
    """The same of the picture as it is, then turned and mirrored as by `turned_hashes`."""
    grey = _grey(normal)
    return tuple(digest(np.asarray(one)).hex() for one in (grey, *map(grey.transpose, Image.Transpose)))


def digest(grey: NDArray[np.uint8]) -> bytes:
    """The 32 bytes of a picture of SIDE by SIDE shades of grey."""
    lowest = np.round(_COSINES @ grey.astype(np.float64) @ _COSINES.T, _DIGITS)
    blocks = [lowest[y : y + _BLOCK, x : x + _BLOCK].ravel() for y in (0, _BLOCK) for x in (0, _BLOCK)]
    return b"".join(np.packbits(block > np.median(block)).tobytes() for block in blocks)


def _grey(normal: Image.Image) -> Image.Image:
    return _trimmed(as_seen(normal, PDQ_SIDE)).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _trimmed(seen: Image.Image) -> Image.Image:
    corner = Image.new(seen.mode, seen.size, seen.getpixel((0, 0)))
    box = ImageChops.difference(seen, corner).getbbox()
    return seen.crop(box) if box else seen
