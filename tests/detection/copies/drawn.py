"""The pictures that ship as common ones, drawn by rule: run it to write `detection/copies/common.json` anew."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from detection.fingerprint import turned_hashes
from detection.pixels import normalised

SIDE = 512
SIZES = (256, 512, 1024)
"""Most of these have no fingerprint that lasts: half their frequencies are nothing, and rounding decides those bits. So
each is known in the sizes that it usually comes in, and a photograph in any (docs/limitations.md).
"""

ASTRONAUT = Path(__file__).parents[3] / "api" / "cli" / "astronaut.jpg"
"""The test photograph that half of all image libraries ship."""

BARS = ("white", "yellow", "cyan", "lime", "magenta", "red", "blue")


@cache
def drawn() -> Mapping[str, Image.Image]:
    """Each by its name."""
    return {
        **{f"linear gradient, {name}": picture for name, picture in _gradients().items()},
        "radial gradient": Image.radial_gradient("L").resize((SIDE, SIDE)),
        "radial gradient, inverted": Image.radial_gradient("L").resize((SIDE, SIDE)).point(lambda v: 255 - v),
        "colour bars": _bars(BARS),
        "grey steps": _bars([f"rgb({v},{v},{v})" for v in range(0, 256, 32)]),
        **{f"chequerboard of {n}": _chequers(n) for n in (2, 4, 8, 16)},
        **{f"stripes, {n}": _stripes(n) for n in (2, 4, 8, 16)},
        "frame on white": _framed(),
        "circle on white": _circle(),
        "cross on white": _cross(),
        "ruled page": _page(24, 1.0),
        "page of text": _page(18, 0.7),
        "letter form": _page(12, 0.5),
        "missing picture": _missing(),
        "astronaut": Image.open(io.BytesIO(ASTRONAUT.read_bytes())),
    }


def hashes() -> dict[str, list[str]]:
    """What `common.json` holds."""
    return {
        name: sorted({form for size in SIZES for form in turned_hashes(rendered(picture, size))[0]})
        for name, picture in drawn().items()
    }


def rendered(picture: Image.Image, size: int) -> Image.Image:
    """In a size that it comes in."""
    return normalised(picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))


def _gradients() -> dict[str, Image.Image]:
    down = Image.linear_gradient("L").resize((SIDE, SIDE))
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    slanted = Image.fromarray(((x + y) * 255 // (2 * SIDE)).astype(np.uint8))
    return {"down": down, "slanted": slanted}


def _bars(colours: list[str] | tuple[str, ...]) -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    for n, colour in enumerate(colours):
        pen.rectangle((n * SIDE // len(colours), 0, (n + 1) * SIDE // len(colours), SIDE), fill=colour)
    return picture


def _chequers(n: int) -> Image.Image:
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    return Image.fromarray((((x * n // SIDE) + (y * n // SIDE)) % 2 * 255).astype(np.uint8))


def _stripes(n: int) -> Image.Image:
    rows = (np.arange(SIDE) * 2 * n // SIDE) % 2 * 255
    return Image.fromarray(np.repeat(rows[:, None], SIDE, axis=1).astype(np.uint8))


def _white() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (SIDE, SIDE), 255)
    return picture, ImageDraw.Draw(picture)


def _framed() -> Image.Image:
    picture, pen = _white()
    pen.rectangle((40, 40, SIDE - 40, SIDE - 40), outline=0, width=12)
    return picture


def _circle() -> Image.Image:
    picture, pen = _white()
    pen.ellipse((96, 96, SIDE - 96, SIDE - 96), fill=0)
    return picture


def _cross() -> Image.Image:
    picture, pen = _white()
    pen.line((0, 0, SIDE, SIDE), fill=0, width=14)
    pen.line((0, SIDE, SIDE, 0), fill=0, width=14)
    return picture


def _missing() -> Image.Image:
    picture = _framed()
    pen = ImageDraw.Draw(picture)
    pen.line((40, 40, SIDE - 40, SIDE - 40), fill=0, width=12)
    pen.line((40, SIDE - 40, SIDE - 40, 40), fill=0, width=12)
    return picture


def _page(lines: int, width: float) -> Image.Image:
    picture, pen = _white()
    for n in range(1, lines):
        at = n * SIDE // lines
        pen.line((40, at, 40 + int((SIDE - 80) * width), at), fill=0, width=3)
    return picture


if __name__ == "__main__":
    target = Path(__file__).parents[3] / "detection" / "copies" / "common.json"
    target.write_text(json.dumps(hashes(), indent=1) + "\n")
