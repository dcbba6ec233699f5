from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from api.edge.qr_code import MAX_BYTES, PIXELS, QUIET, LinkTooLongError, Picture, qr_code

LINK = "openid4vp://?client_id=redirect_uri%3Ahttps%3A%2F%2Fverifier.example%2Fanswers&nonce=n-0S6_WzA2Mj"


def modules(png: bytes) -> list[list[bool]]:
    """Which are dark, without what is quiet around them."""
    image = Image.open(io.BytesIO(png)).convert("L")
    side = image.width // PIXELS - 2 * QUIET
    middle = [(QUIET + at) * PIXELS + PIXELS // 2 for at in range(side)]
    return [[image.getpixel((x, y)) == 0 for x in middle] for y in middle]


def test_it_is_a_code_of_that_link() -> None:
    """Not read back, which would take a decoder: the three corners are in their places, and every byte counts."""
    dark = modules(qr_code(LINK, Picture.PNG))
    corner = [line[:7] for line in dark[:7]]
    assert [line[-7:] for line in dark[:7]] == corner == [line[:7] for line in dark[-7:]]
    assert [sum(line) for line in corner] == [7, 2, 5, 5, 5, 2, 7]
    assert modules(qr_code(LINK, Picture.PNG)) == dark
    assert modules(qr_code(LINK[:-1], Picture.PNG)) != dark


def test_svg_is_a_picture_and_nothing_else() -> None:
    root = ET.fromstring(qr_code(LINK, Picture.SVG))
    assert root.tag.endswith("}svg")
    assert {each.tag.rpartition("}")[2] for each in root} == {"path"}


def test_what_fits_and_what_does_not() -> None:
    assert len(modules(qr_code("x" * MAX_BYTES, Picture.PNG))) == 177
    with pytest.raises(LinkTooLongError):
        qr_code("x" * (MAX_BYTES + 1), Picture.PNG)
