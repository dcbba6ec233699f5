"""The outline of a film: whole boxes, an index, no more metadata than anybody needs."""

from __future__ import annotations

import struct

import pytest

from detection.errors import CorruptMediaError, MediaTooLargeError, TruncatedMediaError
from detection.kinds import Kind
from detection.limits import MAX_METADATA_BYTES
from detection.outlines.film import outline


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


BEGINNING = box(b"ftyp", b"isom\0\0\0\0")


def test_a_film_with_an_index_passes_wherever_that_stands() -> None:
    index, pictures = box(b"moov", box(b"mvhd", bytes(100))), box(b"mdat", bytes(9))
    outline(BEGINNING + index + pictures, Kind.MP4)
    outline(BEGINNING + pictures + index, Kind.MP4)
    outline(BEGINNING + box(b"meta", bytes(4)) + index + box(b"moof", box(b"traf")) + pictures, Kind.MP4)


@pytest.mark.parametrize(
    "hidden",
    [
        *(box(name) for name in (b"moov", b"cmov", b"hoov", b"trak", b"tkhd")),
        box(b"edts", box(b"moov")),
        box(b"udta", box(b"moov")),
        box(b"meta", bytes(4) + box(b"hoov")),
    ],
)
def test_an_index_elsewhere_is_refused_for_it_might_be_decoded_while_another_is_played(hidden: bytes) -> None:
    for file in (BEGINNING + hidden + box(b"moov"), BEGINNING + box(b"moov") + hidden):
        with pytest.raises(CorruptMediaError):
            outline(file, Kind.MP4)


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (BEGINNING + box(b"mdat", bytes(9)), CorruptMediaError),
        (BEGINNING + box(b"moov", box(b"cmov", bytes(9))), CorruptMediaError),
        (BEGINNING + box(b"moov", box(b"hoov", bytes(9))), CorruptMediaError),
        (BEGINNING + box(b"moov", b"\0\0\0\x20trak"), CorruptMediaError),
        (BEGINNING + box(b"moof", box(b"traf")) + box(b"moov"), CorruptMediaError),
        (BEGINNING + box(b"moov") + box(b"mdat", bytes(9))[:-1], TruncatedMediaError),
        (BEGINNING + box(b"moov") + box(b"mdat")[:5], TruncatedMediaError),
        (BEGINNING + box(b"moov", box(b"udta", bytes(MAX_METADATA_BYTES + 1))), MediaTooLargeError),
        (BEGINNING + box(b"meta", bytes(MAX_METADATA_BYTES + 1)) + box(b"moov"), MediaTooLargeError),
    ],
)
def test_each_damage_has_its_error(file: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        outline(file, Kind.MP4)
