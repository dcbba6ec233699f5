"""Where items lie is read as c2pa-rs reads it, or the file is refused."""

from __future__ import annotations

import struct

import pytest

from detection.errors import UnsupportedMediaError
from detection.media import examine
from tests.detection.pictures import SAMPLES, draw, heic, phones_index

TILED = heic(draw(width=128, height=128), tile_size=64)
"""With the index that libheif writes."""


def _without_base(file: bytes) -> bytes:
    """The offset of the only item moved from its base to its extent."""
    at = file.index(b"iloc") + 16
    base, count, start = struct.unpack_from(">IHI", file, at)
    return file[:at] + struct.pack(">IHI", 0, count, base + start) + file[at + 10 :]


@pytest.mark.parametrize("file", [TILED, _without_base(SAMPLES["heic"])])
def test_an_index_that_would_be_moved_wrongly_is_refused(file: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="a HEIC file with this form of index"):
        examine(file, None)


def test_the_same_picture_with_the_index_of_phones_is_not() -> None:
    assert examine(phones_index(TILED), None).content.width == 128
