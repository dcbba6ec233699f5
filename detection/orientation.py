"""Which way up a picture is: the EXIF orientation (Exif 3.0, tag 0x0112)."""

from __future__ import annotations

from typing import Final

from PIL import Image

from detection.decoders import DECODING_ERRORS

_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, block: bytes) -> Image.Image:
    """The picture as it should be seen; `block` is its EXIF. What cannot be read turns nothing: viewers then show the
    picture as stored.
    """
    turn = _TURNS.get(_orientation(block))
    return image if turn is None else image.transpose(turn)


def _orientation(block: bytes) -> int:
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(_TAG)
    except DECODING_ERRORS:
        return 1
    return value if isinstance(value, int) else 1
