"""Photographs of two sizes, made from the one photograph we ship: enlarged, with a sensor's noise, so that JPEG
sizes and decoding times are those of real ones (about 170 kB and 1.2 MB).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from PIL import Image

NOISE: Final = 4.0
"""Standard deviation of the noise, of 255 levels."""

_SEED: Final = 20260101
_CROP: Final = (0, 0, 512, 384)


@dataclass(frozen=True)
class Photograph:
    """How large a photograph is, and how it is compressed."""

    name: str
    width: int
    height: int
    quality: int
    mime: str = "image/jpeg"

    def content(self) -> bytes:
        """The JPEG; the same bytes every time."""
        return _jpeg(self)


ONE_MEGAPIXEL: Final = Photograph("1mp", 1152, 864, 85)
TWELVE_MEGAPIXELS: Final = Photograph("12mp", 4000, 3000, 80)


@cache
def _jpeg(size: Photograph) -> bytes:
    with Image.open(io.BytesIO((files("api.cli") / "astronaut.jpg").read_bytes())) as original:
        picture = original.crop(_CROP).resize((size.width, size.height), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(_SEED).normal(0, NOISE, (size.height, size.width, 1)).astype(np.int16)
    pixels = (np.asarray(picture, np.int16) + noise).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=size.quality)
    return file.getvalue()
