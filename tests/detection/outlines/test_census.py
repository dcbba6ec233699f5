"""Parts are counted as c2pa-rs walks them, in any file, before it sees one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import MediaTooLargeError
from detection.limits import MAX_BOXES, MAX_SEGMENTS
from detection.media import examine
from detection.outlines.census import count
from tests.detection.pictures import SAMPLES, chunk, png
from tests.detection.recordings import RECORDINGS
from tests.provenance.carriers import CARRIERS, box

BEGINNING = box(b"ftyp", b"isom\0\0\0\0")
FREE, MANY = box(b"free", b""), MAX_BOXES + 2
FRAGMENT = box(b"moof", box(b"mfhd", bytes(8)) + box(b"traf", box(b"tfhd", bytes(8)) + box(b"trun", bytes(12))) * 2)


@pytest.mark.parametrize("file", [*SAMPLES.values(), *RECORDINGS.values(), *CARRIERS.values(), b"", b"RIFF", BEGINNING])
def test_files_as_they_are_pass(file: bytes) -> None:
    count(file)


def test_an_hour_in_fragments_of_a_second_passes() -> None:
    count(BEGINNING + (FRAGMENT + box(b"mdat", bytes(8))) * 3600)


@pytest.mark.parametrize(
    "file",
    [
        BEGINNING + FREE * MANY,
        BEGINNING + box(b"moov", FREE * MANY),
        BEGINNING + box(b"moov", box(b"trak", box(b"udta", FREE * MANY))),
        BEGINNING + box(b"meta", bytes(4) + FREE * MANY),
        BEGINNING + box(b"meta", box(b"hdlr", bytes(24)) + FREE * MANY),
        BEGINNING + box(b"moov", FREE * (MANY * 5 // 7)) * 2,
        BEGINNING + struct.pack(">I4sQ", 1, b"moov", 16 + 8 * MANY) + FREE * MANY,
        BEGINNING + struct.pack(">I4s", 0, b"moov") + FREE * MANY,
        BEGINNING + struct.pack(">I4s", 4, b"\0\0\0\4") * MANY,
        box(b"ftyp", b"avif\0\0\0\0") + FREE * MANY + b"\0",
    ],
)
def test_boxes_beside_each_other_are_bounded(file: bytes) -> None:
    with pytest.raises(MediaTooLargeError, match="boxes beside each other"):
        count(file)


@pytest.mark.parametrize(
    "file",
    [
        BEGINNING + box(b"udta", FREE * 500) * (MAX_SEGMENTS // 500 + 1),
        png(*[chunk(b"teSt", b"")] * (MAX_SEGMENTS + 1)),
        b"RIFF\4\0\0\0WAVE" + b"LIST\0\0\0\0" * (MAX_SEGMENTS + 1),
    ],
)
def test_all_parts_together_are_bounded(file: bytes) -> None:
    with pytest.raises(MediaTooLargeError, match="segments"):
        count(file)


@given(head=st.sampled_from([BEGINNING, b"RIFF", b"\x89PNG\r\n\x1a\n"]), noise=st.binary(max_size=200))
def test_noise_ends(head: bytes, noise: bytes) -> None:
    count(head + noise)


def test_an_upload_is_counted_first() -> None:
    with pytest.raises(MediaTooLargeError, match="boxes beside each other"):
        examine(BEGINNING + FREE * MANY, None)
