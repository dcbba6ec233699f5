"""Photos, and what becomes of them on their way: for tests of what still leads back to the signed one."""

from __future__ import annotations

import io
from importlib.resources import files

import numpy as np
from PIL import Image, ImageDraw


def photo(seed: int = 0) -> Image.Image:
    """A real photograph. Another seed is another photograph, as far as any fingerprint tells."""
    whole = Image.open(io.BytesIO((files("api.cli") / "astronaut.jpg").read_bytes())).convert("RGB")
    if not seed:
        return whole
    side = min(whole.size) * 2 // 5
    x, y = (seed * 37) % (whole.width - side), (seed * 61) % (whole.height - side)
    return whole.crop((x, y, x + side, y + side)).resize((400, 400))


def saved(image: Image.Image, form: str = "JPEG", quality: int = 92) -> bytes:
    """As a file without any metadata."""
    file = io.BytesIO()
    image.save(file, form, quality=quality)
    return file.getvalue()


def clouds(seed: int) -> bytes:
    """A picture of its own, as a file: nothing in any other test looks like it."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return saved(Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC))


def posted(image: Image.Image) -> bytes:
    """As a platform passes it on: smaller, encoded anew, stripped."""
    return saved(image.resize((image.width * 3 // 4, image.height * 3 // 4)), quality=40)


def overlaid(image: Image.Image) -> bytes:
    """With a line of text on it."""
    image = image.copy()
    ImageDraw.Draw(image).text((10, 10), "seen somewhere", fill="white")
    return saved(image)
