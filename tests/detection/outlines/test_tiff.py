"""TIFF directories are believed only as far as the file reaches."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from detection.errors import (
    CorruptMediaError,
    MediaError,
    MediaTooLargeError,
    TruncatedMediaError,
    UnsupportedMediaError,
)
from detection.limits import MAX_METADATA_BYTES, MAX_SEGMENTS
from detection.media import examine
from tests.detection.pictures import animated, decoded, draw, save

_PAGE: dict[int, tuple[int, ...]] = {
    256: (4, 2),
    257: (4, 2),
    258: (3, 8),
    259: (3, 1),
    262: (3, 1),
    277: (3, 1),
    278: (4, 2),
    279: (4, 4),
}
"""A page of two pixels by two, tag → (type, value); where its strip begins is added."""


def tiff(changes: dict[int, tuple[int, ...]], after: bytes = b"", following: int = 0) -> bytes:
    """One page with its fields changed: (type, value) or (type, value or offset, count); of type 0 is one left out."""
    fields = {tag: field for tag, field in ({273: (4, 0)} | _PAGE | changes).items() if field[0]}
    data_at = 8 + 2 + 12 * len(fields) + 4
    if 273 not in changes:
        fields[273] = 4, data_at
    directory = b"".join(
        struct.pack("<HHII", tag, field[0], field[2] if len(field) > 2 else 1, field[1])
        for tag, field in sorted(fields.items())
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + directory + struct.pack("<I", following) + b"abcd" + after


def test_the_page_decodes() -> None:
    content = examine(tiff({}), None).content
    assert (content.width, content.height) == (2, 2)
    other = save(Image.fromarray(np.frombuffer(b"abcd", np.uint8).reshape(2, 2)), "PNG")
    assert content.content_hash == examine(other, None).content.content_hash


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (tiff({256: (0, 0)}), CorruptMediaError),  # no width
        (tiff({256: (4, 0)}), CorruptMediaError),
        (tiff({256: (99, 2)}), CorruptMediaError),  # no such type
        (tiff({256: (2, 2)}), CorruptMediaError),  # a text
        (tiff({256: (4, 40_000)}), MediaTooLargeError),
        (tiff({256: (4, 20_000), 257: (4, 20_000)}), MediaTooLargeError),
        (tiff({257: (4, 3), 278: (4, 3)}), CorruptMediaError),  # the strip is too short
        (tiff({278: (4, 1)}), CorruptMediaError),  # two strips, one given
        (tiff({278: (4, 0)}), CorruptMediaError),
        (tiff({279: (4, 5)}), TruncatedMediaError),
        (tiff({273: (4, 1 << 31)}), TruncatedMediaError),
        (tiff({273: (4, 8, 1 << 30)}), TruncatedMediaError),
        (tiff({279: (0, 0)}), CorruptMediaError),
        (tiff({259: (3, 6)}), UnsupportedMediaError),  # the old JPEG
        (tiff({259: (3, 50001)}), UnsupportedMediaError),
        (tiff({262: (3, 6)}), UnsupportedMediaError),
        (tiff({339: (3, 3)}), UnsupportedMediaError),  # fractions
        (tiff({258: (3, 32)}), UnsupportedMediaError),
        (tiff({258: (3, 16), 262: (3, 0)}), UnsupportedMediaError),
        (tiff({277: (3, 60_000)}), MediaTooLargeError),
        (tiff({34665: (4, 8)}), CorruptMediaError),  # a directory within itself
        (tiff({34665: (4, 1 << 31)}), TruncatedMediaError),
        (tiff({273: (0, 0), 322: (4, 1 << 30), 323: (4, 16), 324: (4, 8), 325: (4, 4)}), MediaTooLargeError),
        (tiff({273: (0, 0), 322: (4, 0), 323: (4, 16), 324: (4, 8), 325: (4, 4)}), CorruptMediaError),
        (tiff({}, following=8), UnsupportedMediaError),
        (tiff({270: (2, 8, MAX_METADATA_BYTES + 1)}, bytes(MAX_METADATA_BYTES)), MediaTooLargeError),
        (struct.pack("<2sHIH", b"II", 42, 8, MAX_SEGMENTS - 1), TruncatedMediaError),
        (b"II*\0\0\0\0\1", TruncatedMediaError),
    ],
)
def test_lies_are_refused(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        examine(file, None)


def test_several_pages_are_refused() -> None:
    with pytest.raises(UnsupportedMediaError, match="a TIFF file with several pages is not accepted"):
        examine(animated([draw(seed=seed) for seed in range(2)], [0, 0], "TIFF"), None)


LOSSLESS = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]
FAX = ["tiff_ccitt", "group3", "group4"]


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        *((mode, one) for mode in ("1", "L", "P", "RGB", "LA", "RGBA", "I;16") for one in LOSSLESS),
        *(("1", one) for one in FAX),
    ],
)
@pytest.mark.parametrize("rows", [43, 5, 1], ids=lambda rows: f"{rows} rows a strip")
def test_it_agrees_with_a_png(mode: str, compression: str, rows: int) -> None:
    picture = draw(mode)
    file = save(picture, "TIFF", compression=compression, tiffinfo={278: rows})
    one, other = (examine(file, None).content for file in (file, save(picture, "PNG")))
    assert (one.content_hash, one.frames) == (other.content_hash, other.frames)


def test_printing_colours_agree_however_they_are_packed() -> None:
    files = [save(draw("CMYK"), "TIFF", compression=one, tiffinfo={278: 9}) for one in LOSSLESS]
    assert len({examine(file, None).content.content_hash for file in files}) == 1
    assert len({examine(file, None).content.content_hash for file in (files[0], save(draw(), "TIFF"))}) == 2


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_inside_a_tiff_decodes_to_what_was_drawn(mode: str) -> None:
    file = save(draw(mode), "TIFF", compression="jpeg", quality=100)
    found, drawn = (np.asarray(picture.convert("RGB"), int) for picture in (decoded(file), draw(mode)))
    assert np.abs(found - drawn).mean() < 3
    with pytest.raises(MediaError):
        examine(file.replace(b"\xff\xda", b"\xff\x00"), None)


def tiled(picture: Image.Image, side: int = 16, changes: dict[int, tuple[int, ...]] | None = None) -> bytes:
    """A grey picture in uncompressed tiles, what reaches beyond it black."""
    corners = [(left, top) for top in range(0, picture.height, side) for left in range(0, picture.width, side)]
    tiles = [picture.crop((left, top, left + side, top + side)).tobytes() for left, top in corners]
    sides = {256: (4, picture.width), 257: (4, picture.height), 322: (4, side), 323: (4, side)}
    table = 8 + 2 + 12 * 9 + 4 + 4
    pixels = table + 8 * len(tiles)
    fields = sides | {324: (4, table, len(tiles)), 325: (4, table + 4 * len(tiles), len(tiles)), 277: (0, 0)}
    offsets = [pixels + side * side * at for at in range(len(tiles))]
    numbers = struct.pack(f"<{2 * len(tiles)}I", *offsets, *[side * side] * len(tiles))
    return tiff({273: (0, 0), 278: (0, 0), 279: (0, 0)} | fields | (changes or {}), numbers + b"".join(tiles))


def test_tiles_agree_with_strips() -> None:
    picture = draw("L")
    assert examine(tiled(picture), None).content == examine(save(picture, "TIFF"), None).content


def test_strips_beside_tiles_are_refused_for_readers_differ_about_which_they_show() -> None:
    file = tiled(draw("L"), changes={277: (3, 1)})
    with pytest.raises(CorruptMediaError, match="strips and tiles"):
        examine(file.replace(struct.pack("<HHII", 277, 3, 1, 1), struct.pack("<HHII", 273, 4, 1, 8)), None)


def test_deep_grey_of_either_byte_order_agrees() -> None:
    picture = draw("I;16")
    big = Image.frombytes("I;16B", picture.size, np.asarray(picture).astype(">u2").tobytes())
    one, other = (examine(save(either, "TIFF"), None).content.content_hash for either in (picture, big))
    assert one == other


def test_big_tiff_and_every_orientation_agree() -> None:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        files = [save(draw(), form, exif=exif, **big) for form, big in (("PNG", {}), ("TIFF", {"big_tiff": True}))]
        assert len({examine(file, None).content.content_hash for file in files}) == 1


def test_sixteen_bit_colour_counts_by_its_upper_eight() -> None:
    def page(low: int) -> bytes:
        strip = b"".join(struct.pack("<H", value << 8 | low) for value in (1, 2, 3) * 4)
        fields: dict[int, tuple[int, ...]] = {277: (3, 3), 262: (3, 2), 279: (4, 24)}
        at = 8 + 2 + 12 * 9 + 4
        file = tiff(fields | {258: (3, at + 24, 3)})
        return file[:at] + strip + struct.pack("<HHH", 16, 16, 16)

    colour = save(Image.new("RGB", (2, 2), (1, 2, 3)), "PNG")
    hashes = {examine(file, None).content.content_hash for file in (page(0), page(255), colour)}
    assert len(hashes) == 1


def test_premultiplied_colours_are_divided_again() -> None:
    fields: dict[int, tuple[int, ...]] = {277: (3, 4), 262: (3, 2), 279: (4, 16), 338: (3, 1)}
    at = 8 + 2 + 12 * 10 + 4
    file = tiff(fields | {258: (3, at + 16, 4)})[:at] + bytes([100, 50, 25, 128]) * 4 + struct.pack("<4H", 8, 8, 8, 8)
    straight = save(Image.new("RGBA", (2, 2), (199, 99, 49, 128)), "PNG")
    assert examine(file, None).content.content_hash == examine(straight, None).content.content_hash
