"""A picture's fingerprint as a browser makes it: of the same pixels the service's own, of the same file near to it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from detection.copies.fingerprint import REACH, Fingerprint, fingerprint, from_hex
from detection.fingerprint import turned_hashes
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.browser import browser, found, site, tab
from tests.detection.copies.test_fingerprint import scene, worker
from tests.detection.faces.photos import PORTRAIT, PORTRAIT_FILE
from tests.detection.pictures import save

__all__ = ["browser", "site", "worker"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

VECTORS = Path(__file__).parents[2] / "vectors" / "c2pa"
PHOTOS = [PORTRAIT_FILE, *(VECTORS / f"adobe-20220124-{name}.jpg" for name in ("A", "C", "I"))]
DECODERS = 8
"""Bits of 256 by which two decoders of one file may be apart, as measured; REACH is what a near copy has."""

FINGERPRINT = """async ([data, width, height]) => {
  const pdq = await import("/static/pdq.js");
  const bytes = Uint8ClampedArray.from(atob(data), (letter) => letter.charCodeAt(0));
  const picture = width ? { width, height, pixels: bytes } : await pdq.pixelsOf(new Blob([bytes]));
  return pdq.fingerprint(picture);
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, site: str) -> Iterator[Page]:
    with tab(browser, site) as opened:
        opened.goto("/verify")
        yield opened


def taken(page: Page, data: bytes, width: int = 0, height: int = 0) -> Fingerprint:
    made: Any = page.evaluate(FINGERPRINT, [b64encode(data).decode(), width, height])
    return Fingerprint(tuple(made["forms"]), made["quality"])


def of_pixels(page: Page, picture: Image.Image) -> Fingerprint:
    return taken(page, picture.convert("RGBA").tobytes(), *picture.size)


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


SIZES = [(64, 64), (65, 63), (5, 5), (4, 90), (300, 6), (513, 120), (100, 1023), (101, 1024), (37, 1901), (1031, 1025)]


def test_the_same_pixels_have_the_services_own(page: Page) -> None:
    """All eight forms to the last bit, and the quality: shrunk or not, wide and tall, and at each kind of edge."""
    for seed, size in enumerate(SIZES):
        for picture in (noise(seed, size), scene(seed, size)) if seed % 2 else (scene(seed, size),):
            assert of_pixels(page, picture) == Fingerprint(*turned_hashes(picture)), size
    photo = PORTRAIT.crop((1, 2, 500, 510))
    assert of_pixels(page, photo) == Fingerprint(*turned_hashes(photo))


def apart(page: Page, worker: Sandbox, file: bytes) -> int:
    """In how many bits of 256 what the browser makes of a file is off what the service makes of it; the worst form."""
    with Memfd.of([file]) as sent:
        ours = fingerprint(worker, sent)
    theirs = taken(page, file)
    assert abs(theirs.quality - ours.quality) <= 1
    bits = from_hex(list(theirs.forms)) ^ from_hex(list(ours.forms))
    return int(np.bitwise_count(bits).sum(axis=1).max())


FILES: dict[str, Callable[[], bytes]] = {
    **{file.stem: file.read_bytes for file in PHOTOS},
    "as PNG": lambda: save(PORTRAIT, "PNG"),
    "as WebP": lambda: save(PORTRAIT, "WEBP"),
    "as WebP without loss": lambda: save(PORTRAIT, "WEBP", lossless=True),
}


@pytest.mark.parametrize("file", FILES)
def test_the_same_file_has_one_near_to_it(page: Page, worker: Sandbox, file: str) -> None:
    """Decoders may differ by a grey level here and there. Of what a near copy may differ by that leaves most."""
    assert apart(page, worker, FILES[file]()) <= DECODERS < REACH


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return save(PORTRAIT.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def see_through() -> bytes:
    picture = PORTRAIT.convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return save(picture, "PNG")


OTHERS: dict[str, Callable[[], bytes]] = {
    "a phone's orientation": turned,
    "transparent": see_through,
    "grey": lambda: save(PORTRAIT.convert("L"), "JPEG"),
    "larger than a phone can draw": lambda: save(PORTRAIT.resize((4400, 4400)), "JPEG", quality=60),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_so_has_what_phones_and_programs_save(page: Page, worker: Sandbox, kind: str) -> None:
    assert apart(page, worker, OTHERS[kind]()) <= DECODERS


def test_what_is_no_picture_has_none(page: Page) -> None:
    with pytest.raises(Exception, match="InvalidStateError"):
        taken(page, b"no picture")
