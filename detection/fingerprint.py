"""How a frame looks: PDQ, 256 bits.

PDQ is computed from at most PDQ_SIDE pixels on the long side: five times as fast, and the hash moves by 4 to
12 of 256 bits, where two files match at 31 or fewer. Its quality runs from 0 to 100; 49 and below should not
be matched.
"""

from __future__ import annotations

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image, ImageCms

from detection.examination import FrameHash

PDQ_SIDE = 512
_GAP = 2.0
"""Shrink by whole factors first, down to twice the size wanted: the result hardly differs, and it is
quicker.
"""


def frame_hash(normal: Image.Image, at: int = 0) -> FrameHash:
    """The fingerprint of an upright picture in normal form (`detection.pixels`), `at` milliseconds in."""
    bits, quality = pdqhash.compute(np.asarray(as_seen(normal, PDQ_SIDE)))
    return FrameHash(at, _hex(bits), int(quality))


def turned_hashes(normal: Image.Image) -> tuple[tuple[str, ...], int]:
    """The same hash of the picture as it is, then turned and mirrored in seven ways; and its quality.

    Of the pixels themselves: what the library works out from the hash's own coefficients is up to 68 bits off.
    """
    seen = as_seen(normal, PDQ_SIDE)
    found = [pdqhash.compute(np.asarray(one)) for one in (seen, *map(seen.transpose, Image.Transpose))]
    return tuple(_hex(bits) for bits, _ in found), int(found[0][1])


def _hex(bits: NDArray[np.uint8]) -> str:
    return np.packbits(bits).tobytes().hex()


def as_seen(normal: Image.Image, side: int) -> Image.Image:
    """An upright picture in normal form as RGB, transparency laid on white, its longer side at most `side` pixels."""
    return _coloured(_shrunk(_eight_bit(normal), side))


def _eight_bit(normal: Image.Image) -> Image.Image:
    if normal.mode != "I;16":
        return normal
    return Image.fromarray((np.asarray(normal) >> 8).astype(np.uint8))


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    scale = max(image.size) / longest
    if scale <= 1:
        return image
    width, height = (max(1, round(side / scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=_GAP)


def _coloured(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode == "LAB":
        return _from_lab(image)
    return image.convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = (ImageCms.createProfile(space) for space in ("LAB", "sRGB"))
    seen = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if seen is None:
        raise ValueError("no picture came of a picture in LAB")
    return seen
