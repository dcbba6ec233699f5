"""The outline of an Ogg file: every page, its checksum, its place, and the end."""

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
from detection.limits import MAX_METADATA_BYTES
from detection.outlines.ogg import outline, page_checksum

FIRST, LAST = 2, 4


def page(number: int, flags: int = 0, *, serial: int = 7, at: int = 0, body: bytes = b"packet") -> bytes:
    lacing = b"\xff" * (len(body) // 255) + bytes([len(body) % 255])
    made = b"OggS" + struct.pack("<BBqIIIB", 0, flags, at, serial, number, 0, len(lacing)) + lacing + body
    return made[:22] + page_checksum(made).to_bytes(4, "little") + made[26:]


WHOLE = page(0, FIRST) + page(1) + page(2, at=960) + page(3, LAST, at=1920)
LONG = b"".join(page(number, body=bytes(64_000)) for number in range(1, MAX_METADATA_BYTES // 64_000 + 2))


def test_the_checksum_is_that_of_other_writers() -> None:
    """The first page of an Opus file that FFmpeg wrote."""
    opus = b"OpusHead\x01\x028\x01@\x1f\0\0\0\0\0"
    made = b"OggS\0\2" + bytes(8) + b"\xb6O\xddP" + bytes(4) + b"\xac,\x92\xc5\x01\x13" + opus
    assert page_checksum(made) == 0xC5922CAC


def test_a_whole_file_passes_and_one_of_two_streams() -> None:
    outline(WHOLE)
    outline(page(0, FIRST) + page(0, FIRST, serial=8) + page(1, LAST, serial=8) + page(1, LAST))


def test_every_cut_is_noticed() -> None:
    for cut in range(1, len(WHOLE)):
        with pytest.raises(TruncatedMediaError):
            outline(WHOLE[:cut])


def test_every_flipped_bit_is_noticed() -> None:
    for bit in range(8 * len(WHOLE)):
        file = bytearray(WHOLE)
        file[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MediaError):
            outline(bytes(file))


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (WHOLE + b"what follows" * 9, CorruptMediaError),
        (WHOLE + WHOLE, UnsupportedMediaError),
        (page(0, FIRST) + page(0, FIRST), CorruptMediaError),
        (page(0, FIRST) + page(2, LAST), CorruptMediaError),
        (page(0, FIRST) + page(0, LAST, serial=8), CorruptMediaError),
        (page(0, FIRST | LAST) + page(1), CorruptMediaError),
        (page(0, FIRST) + LONG, MediaTooLargeError),
        (b"".join(page(0, FIRST, serial=one) for one in range(17)), MediaTooLargeError),
    ],
)
def test_each_damage_has_its_error(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        outline(file)
