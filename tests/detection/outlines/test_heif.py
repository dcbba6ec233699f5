"""Boxes of AVIF and HEIC are believed only as far as the file reaches, and their pictures agree with themselves."""

from __future__ import annotations

import struct

import pytest

from detection.errors import (
    CorruptMediaError,
    MediaError,
    MediaTooLargeError,
    TruncatedMediaError,
    UnsupportedMediaError,
)
from detection.kinds import Kind
from detection.media import examine
from detection.outlines.heif import outline
from tests.detection.outlines.test_boxes import box
from tests.detection.pictures import SAMPLES, draw, save

STILL, MOVING = SAMPLES["avif"], SAMPLES["moving avif"]
HEIC, TILED = SAMPLES["heic"], SAMPLES["tiled heic"]


def _patched(file: bytes, name: bytes, at: int, value: bytes) -> bytes:
    """The file with bytes of a box's content written over."""
    start = file.index(name) + 4 + at
    return file[:start] + value + file[start + len(value) :]


def _tiles_of(width: int, height: int) -> bytes:
    return TILED.replace(struct.pack(">II", 64, 64), struct.pack(">II", width, height))


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (_patched(STILL, b"ispe", 4, struct.pack(">I", 40_000)), MediaTooLargeError),
        (_patched(STILL, b"ispe", 4, struct.pack(">II", 20_000, 20_000)), MediaTooLargeError),
        (_patched(STILL, b"ispe", 4, struct.pack(">I", 0)), CorruptMediaError),
        (STILL.replace(b"ispe", b"xxxx"), CorruptMediaError),
        (STILL.replace(b"iloc", b"xxxx"), CorruptMediaError),
        (STILL.replace(b"meta", b"xxxx"), CorruptMediaError),
        (_patched(STILL, b"pitm", 4, b"\x77\x77"), CorruptMediaError),
        (_patched(STILL, b"iloc", 6, b"\xff\xff"), CorruptMediaError),
        (_patched(STILL, b"ipma", 4, b"\0\2\0\0"), MediaTooLargeError),
        (_patched(MOVING, b"stsz", 8, b"\0\0\0\7"), CorruptMediaError),
        (_patched(MOVING, b"stsz", 8, b"\1\0\0\0"), MediaTooLargeError),
        (MOVING.replace(b"moov", b"xxxx"), CorruptMediaError),
        (MOVING.replace(b"pict", b"soun"), CorruptMediaError),
        (MOVING.replace(b"mdhd", b"xxxx"), CorruptMediaError),  # no units of time: Pillow divides by them
        (box(b"ftyp", b"avif") + box(b"meta"), CorruptMediaError),
    ],
)
def test_lies_are_refused(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        examine(file, None)


@pytest.mark.parametrize("file", [STILL, HEIC], ids=["avif", "heic"])
def test_one_index_says_everything_once(file: bytes) -> None:
    """Readers take the first or the last, and would show another picture than the one that is hashed."""
    start = file.index(b"meta") - 4
    end = start + int.from_bytes(file[start : start + 4])
    for name in (b"pitm", b"iloc", b"iprp"):
        more = box(name, bytes(6))
        longer = (end - start + len(more)).to_bytes(4) + file[start + 4 : end] + more
        with pytest.raises(CorruptMediaError, match="twice"):
            examine(file[:start] + longer + file[end:], None)
    with pytest.raises(CorruptMediaError, match="two indices"):
        examine(file + file[start:end], None)


def test_an_extent_beyond_the_file_is_refused() -> None:
    cut = STILL[: STILL.index(b"mdat") - 4] + box(b"mdat", b"short")
    with pytest.raises(TruncatedMediaError):
        examine(cut, None)


def test_the_same_file_with_its_boxes_moved_agrees() -> None:
    """Metadata apart, the pixels are what counts."""
    one, other = save(draw(), "AVIF"), save(draw(), "AVIF", xmp=b"<x/>", icc_profile=b"")
    assert examine(one, None).content == examine(other, None).content


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (_patched(HEIC, b"ispe", 4, struct.pack(">I", 40_000)), MediaTooLargeError),
        (_patched(HEIC, b"clap", 0, struct.pack(">II", 1, 0)), CorruptMediaError),
        (_patched(HEIC, b"iloc", 6, b"\xff\xff"), CorruptMediaError),
        (HEIC.replace(b"hvc1", b"av01"), UnsupportedMediaError),
        (HEIC[: HEIC.index(b"mdat") + 4], TruncatedMediaError),
        (TILED.replace(b"grid", b"iovl"), UnsupportedMediaError),
        (TILED.replace(b"hvc1", b"grid", 1), CorruptMediaError),
        (TILED.replace(b"dimg", b"xxxx"), CorruptMediaError),
        (TILED.replace(b"idat", b"xxxx"), CorruptMediaError),
        *((_patched(TILED, b"idat", at, b"\7"), CorruptMediaError) for at in (1, 2, 3, 4, 5, 6, 7)),
        (_patched(TILED, b"ispe", 4, struct.pack(">I", 32)), CorruptMediaError),
        *((_tiles_of(*size), CorruptMediaError) for size in ((32, 64), (128, 64), (64, 32), (64, 128))),
    ],
)
def test_lies_of_heic_are_refused_before_it_is_decoded(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        outline(file, Kind.HEIC)
