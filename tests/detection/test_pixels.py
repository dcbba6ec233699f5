"""The normal form: what looks the same hashes the same, and nothing else does."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from detection.pixels import normalised, pixel_hash
from tests.detection.pictures import MODES, decoded, draw, save


def _hash(file: bytes) -> str:
    return pixel_hash(normalised(decoded(file)))


@given(seed=st.integers(0, 1000), mode=st.sampled_from(["1", "L", "P", "RGB", "LA", "RGBA"]))
def test_lossless_copies_agree(seed: int, mode: str) -> None:
    picture = draw(mode, 23, 17, seed)
    coloured = picture.convert("RGBA" if mode in {"LA", "RGBA"} else "RGB")
    copies = [
        save(picture, "PNG"),
        save(picture, "PNG", compress_level=0, pnginfo=None),
        save(coloured, "PNG"),
        save(coloured.convert("RGBA"), "PNG"),
        save(coloured, "WEBP", lossless=True),
        save(coloured, "WEBP", lossless=True, exact=True),
        save(picture, "TIFF", compression="tiff_lzw", tiffinfo={278: 4}),
        save(coloured, "TIFF", big_tiff=True),
        *([save(picture, "GIF")] if mode in {"1", "L", "P"} else []),
    ]
    assert len({_hash(copy) for copy in copies}) == 1


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_in_a_lossless_avif_agrees_and_colour_does_not(mode: str) -> None:
    grey = draw(mode)
    assert _hash(save(grey.convert("L"), "AVIF", quality=100)) == _hash(save(grey, "PNG"))
    assert _hash(save(draw(), "AVIF", quality=100)) != _hash(save(draw(), "PNG"))


def test_a_transparent_palette_agrees_with_its_colours() -> None:
    picture = draw("P")
    file = save(picture, "PNG", transparency=3)
    coloured = decoded(file).convert("RGBA")
    assert coloured.getchannel("A").getextrema() == (0, 255)
    assert _hash(file) == _hash(save(coloured, "PNG"))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_orientation_is_part_of_the_look(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = save(draw(), "PNG", exif=exif)
    upright = decoded(turned)
    assert _hash(turned) == _hash(save(upright, "PNG"))
    assert _hash(turned) != _hash(save(draw(), "PNG"))


@pytest.mark.parametrize("mode", MODES)
def test_one_changed_pixel_changes_the_hash(mode: str) -> None:
    picture = draw(mode)
    other = picture.copy()
    pixel = (30, 20, 31, 21)
    inverted = ImageChops.invert(picture.crop(pixel).convert("L"))
    other.paste(inverted.convert(mode), pixel)
    assert pixel_hash(normalised(picture)) != pixel_hash(normalised(other))


def test_size_and_mode_are_part_of_the_hash() -> None:
    wide, tall = Image.new("RGB", (4, 2)), Image.new("RGB", (2, 4))
    assert pixel_hash(wide) != pixel_hash(tall)
    assert pixel_hash(Image.new("CMYK", (3, 4))) != pixel_hash(Image.new("RGB", (4, 4)))


def test_published_vectors() -> None:
    """The form in bytes, so that another program can be held to it."""
    grey = Image.new("L", (2, 1), 7)
    assert pixel_hash(normalised(grey)) == _sha(b"RGB 2x1\n" + b"\7" * 6)
    clear = Image.new("RGBA", (1, 2), (1, 2, 3, 0))
    clear.putpixel((0, 1), (4, 5, 6, 7))
    assert pixel_hash(normalised(clear)) == _sha(b"RGBA 1x2\n" + bytes(4) + bytes([4, 5, 6, 7]))
    deep = Image.new("I;16", (1, 1), 0x0102)
    assert pixel_hash(normalised(deep)) == _sha(b"I;16 1x1\n\x02\x01")


def _sha(rest: bytes) -> str:
    return hashlib.sha256(b"sigillo/pixels/v1 " + rest).hexdigest()


def test_the_picture_itself_stays_as_it_is() -> None:
    picture = draw("RGBA")
    before = picture.tobytes()
    normalised(picture)
    assert picture.tobytes() == before


def test_tall_pictures_are_hashed_whole() -> None:
    tall = draw(height=200)
    assert pixel_hash(tall) == _sha(b"RGB 61x200\n" + tall.tobytes())


@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG", "WEBP", "AVIF"])
def test_a_colour_profile_is_not_the_content(form: str) -> None:
    """How the numbers are to look on a screen, a profile says; the hash is of the numbers."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain, profiled = save(draw(), form), save(draw(), form, icc_profile=profile)
    assert profile in profiled or form == "PNG"  # which packs it
    assert _hash(plain) == _hash(profiled)
