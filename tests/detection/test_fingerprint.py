"""PDQ behaves as published: small changes move few bits, other pictures most."""

from __future__ import annotations

import pytest
from PIL import Image

from detection.examination import FrameHash
from detection.fingerprint import frame_hash
from detection.pixels import normalised
from tests.detection.pictures import MODES, decoded, draw, save


def _mark(file: bytes) -> FrameHash:
    return frame_hash(normalised(decoded(file)))


def _pdq(file: bytes) -> int:
    return int(_mark(file).pdq, 16)


def test_pdq_survives_compression_and_shrinking() -> None:
    picture = draw(width=1200, height=900)
    original = _pdq(save(picture, "PNG"))
    for copy in (save(picture, "JPEG", quality=30), save(picture.resize((600, 450)), "PNG")):
        assert (original ^ _pdq(copy)).bit_count() <= 31


def test_pdq_tells_pictures_apart() -> None:
    one, other = (_pdq(save(draw(width=600, height=400, seed=seed), "PNG")) for seed in (1, 2))
    assert (one ^ other).bit_count() > 90


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_looks_like_itself_in_colour(mode: str) -> None:
    picture = draw(mode, 1300, 900)
    mark = _mark(save(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert 0 <= mark.quality <= 100
    if mode == "I;16":
        assert (int(mark.pdq, 16) ^ _pdq(save(draw("L", 1300, 900), "PNG"))).bit_count() <= 31


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2999, 2)])
def test_extreme_shapes_have_fingerprints(size: tuple[int, int]) -> None:
    assert 0 <= _mark(save(Image.new("RGB", size), "PNG")).quality <= 100


def test_invisible_colours_do_not_show() -> None:
    red, green = (Image.new("RGBA", (64, 64), colour) for colour in ((255, 0, 0, 0), (0, 255, 0, 0)))
    assert _pdq(save(red, "PNG")) == _pdq(save(green, "PNG"))
