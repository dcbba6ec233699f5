"""HEIC: turned, cropped, tiled and clear as its properties say, refused where it lies, and where nothing decodes it."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys

import pytest
from PIL import Image
from pillow_heif import HeifFile

from detection.errors import CorruptMediaError
from detection.kinds import MAGIC_BYTES, Kind, sniff
from detection.media import examine
from tests.detection.pictures import SAMPLES, decoded, draw, heic, phones_index, save

LOSSLESS = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}
STILL = SAMPLES["heic"]


def _as_mif1(file: bytes) -> bytes:
    return file.replace(b"ftyp" + file[8:12], b"ftypmif1", 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_same_pixels_as_heic_and_png_have_the_same_hash(mode: str) -> None:
    picture = draw(mode)
    assert examine(heic(picture, **LOSSLESS), None).content.content_hash == (
        examine(save(picture, "PNG"), None).content.content_hash
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_once(orientation: int) -> None:
    """By the properties that the encoder writes for an orientation, and not again by the EXIF that repeats it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = heic(draw(), exif=exif.tobytes(), **LOSSLESS)
    wanted = decoded(save(draw(), "PNG", exif=exif))
    assert bytes.fromhex("0112000300000001") + struct.pack(">H", orientation) in file
    assert (b"irot" in file or b"imir" in file) == (orientation != 1)
    assert decoded(file).convert("RGB").tobytes() == wanted.tobytes()


def test_tiles_are_one_picture() -> None:
    picture = draw(width=122, height=86)
    tiled, plain = phones_index(heic(picture, tile_size=64, **LOSSLESS)), heic(picture, **LOSSLESS)
    assert examine(tiled, None).content == examine(plain, None).content


def test_a_file_of_several_pictures_is_its_primary_one() -> None:
    one, other = draw(seed=1), draw(seed=2)
    assert examine(heic(one, other), None).content == examine(heic(one), None).content


def test_deep_colour_is_eight_bits_and_deep_grey_is_kept() -> None:
    container, file = HeifFile(), io.BytesIO()
    container.add_frombytes("RGB;16", (64, 64), bytes(64 * 64 * 6))
    container.save(file)
    assert decoded(file.getvalue()).mode == "RGB"
    assert decoded(heic(draw("I;16"))).mode == "I;16"


@pytest.mark.parametrize("name", ["avif", "heic"])
def test_a_file_of_the_general_brand_is_what_it_is_compatible_with(name: str) -> None:
    file = _as_mif1(SAMPLES[name])
    assert sniff(file[:MAGIC_BYTES]) is Kind(name.upper())
    assert examine(file, None).content == examine(SAMPLES[name], None).content


def test_what_is_coded_is_no_larger_than_it_says() -> None:
    """libheif holds it to the sizes that were held to the limits before."""
    file = heic(Image.new("RGB", (512, 512)))
    with pytest.raises(CorruptMediaError) as caught:
        examine(file.replace(struct.pack(">II", 512, 512), struct.pack(">II", 64, 64)), None)
    assert "Security limit exceeded" in str(caught.value.__cause__)


def test_the_decoder_is_named_with_every_library() -> None:
    decoder = examine(STILL, "image/heif").content.decoder
    assert [part.split()[0] for part in decoder.split(", ")] == ["Pillow", "pillow-heif", "libheif", "libde265"]


def test_without_the_extra_the_refusal_says_what_to_do() -> None:
    """In an interpreter whose path finder knows no pillow-heif."""
    program = """if True:
        import json, sys
        from importlib.machinery import PathFinder
        found = PathFinder.find_spec
        PathFinder.find_spec = lambda name, *more: None if name == "pillow_heif" else found(name, *more)
        import detection.jobs
        from detection.errors import MissingDecoderError
        from detection.media import examine
        try:
            examine(sys.stdin.buffer.read(), None)
        except MissingDecoderError as error:
            print(json.dumps([error.code, str(error)]))
    """
    run = subprocess.run([sys.executable, "-c", program], input=STILL, capture_output=True, check=True)
    code, sentence = json.loads(run.stdout)
    assert code == "media-decoder-missing"
    assert sentence.endswith("convert the file to JPEG, or have the operator install sigillo[heic]")
