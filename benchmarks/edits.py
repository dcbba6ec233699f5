"""Photographs that packages ship, what becomes of photographs on their way, and many other pictures.

Of each photograph its quarters are photographs of their own. The other pictures are blends of two random crops of two
of the photographs: they have the frequencies of photographs, and are copies of none.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

Edit: TypeAlias = Callable[[Image.Image], Image.Image]

SHIPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "skimage.data": (
        *("motorcycle_left.png", "hubble_deep_field.jpg", "ihc.png", "coffee.png", "chelsea.png"),
        *("grass.png", "gravel.png", "camera.png", "rocket.jpg", "brick.png", "coins.png", "cell.png", "moon.png"),
        *("page.png", "clock_motion.png"),
    ),
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
    "api.cli": ("astronaut.jpg",),
}
"""By package; those that are not installed (`sigillo[bench]`) are left out. Of a retina there is none: its quarters are
mirrored copies of each other.
"""

OF_ONE: Final = 5
"""Pictures: a photograph and its quarters."""

OTHER_SIDE: Final = 192
"""Pixels of the other pictures' sides."""


def photographs() -> list[Image.Image]:
    """Each, and its quarters."""
    found = []
    for package, names in SHIPPED.items():
        if find_spec(package.partition(".")[0]) is None:
            continue
        for name in names:
            whole = Image.open(io.BytesIO((files(package) / name).read_bytes())).convert("RGB")
            found += [whole, *_quarters(whole)]
    return found


def _quarters(whole: Image.Image) -> Iterator[Image.Image]:
    width, height = whole.width // 2, whole.height // 2
    for x, y in ((0, 0), (width, 0), (0, height), (width, height)):
        yield whole.crop((x, y, x + width, y + height))


def whole(number: int) -> int:
    """Which photograph one of `photographs` is, or is a quarter of."""
    return number // OF_ONE


def others(photos: list[Image.Image], seed: int) -> Iterator[tuple[Image.Image, frozenset[int]]]:
    """One after another, without end, each with the photographs that are in it (`whole`)."""
    draw = np.random.default_rng(seed)
    while True:
        one, other = draw.choice(len(photos), 2, replace=False)
        first, second = (_somewhere(photos[int(n)], draw) for n in (one, other))
        blend = Image.blend(first, second, float(draw.uniform(0.3, 0.7)))
        yield blend, frozenset(map(whole, (int(one), int(other))))


def _somewhere(photo: Image.Image, draw: np.random.Generator) -> Image.Image:
    share = draw.uniform(0.3, 0.8)
    width, height = int(photo.width * share), int(photo.height * share)
    x, y = int(draw.integers(photo.width - width)), int(draw.integers(photo.height - height))
    return photo.crop((x, y, x + width, y + height)).resize((OTHER_SIDE, OTHER_SIDE))


def _saved(image: Image.Image, quality: int = 92) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def _scaled(share: float, quality: int) -> Edit:
    def edit(photo: Image.Image) -> Image.Image:
        size = max(1, round(photo.width * share)), max(1, round(photo.height * share))
        return _saved(photo.resize(size, Image.Resampling.BILINEAR), quality)

    return edit


def _cropped(share: float) -> Edit:
    def edit(photo: Image.Image) -> Image.Image:
        x, y = round(photo.width * share / 2), round(photo.height * share / 2)
        return _saved(photo.crop((x, y, photo.width - x, photo.height - y)))

    return edit


def _overlaid(photo: Image.Image) -> Image.Image:
    photo = photo.copy()
    drawn, width, height = ImageDraw.Draw(photo), photo.width, photo.height
    drawn.rectangle((width * 0.1, height * 0.78, width * 0.9, height * 0.9), fill="black")
    drawn.text((width * 0.12, height * 0.8), "WHAT NOBODY TELLS YOU", fill="white")
    return _saved(photo)


EDITS: Final[Mapping[str, Edit]] = {
    "jpeg_q30": lambda photo: _saved(photo, 30),
    "half_size": _scaled(0.5, 92),
    "screenshot": _scaled(0.83, 75),
    "overlay": _overlaid,
    "mirror": lambda photo: _saved(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "crop_5": _cropped(0.05),
    "crop_10": _cropped(0.1),
    "crop_20": _cropped(0.2),
    "rotation_5": lambda photo: _saved(photo.rotate(5, Image.Resampling.BICUBIC)),
}
"""A crop takes so many percent of each side away."""
