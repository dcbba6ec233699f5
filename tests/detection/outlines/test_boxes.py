"""Boxes are walked as their headers say, and no header is believed beyond what holds it."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import CorruptMediaError, MediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.boxes import Box, Numbers, boxes


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def _walk(data: bytes, within: Box | None = None) -> list[tuple[bytes, bytes]]:
    return [(found.name, data[found.start : found.end]) for found in boxes(data, Kind.JPEG, within)]


def test_every_form_of_size() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 3) + b"abc"
    rest = struct.pack(">I4s", 0, b"free") + b"to the end"
    assert _walk(box(b"ftyp", b"x") + long + rest) == [(b"ftyp", b"x"), (b"mdat", b"abc"), (b"free", b"to the end")]


def test_boxes_within_a_box() -> None:
    data = box(b"meta", box(b"hdlr") + box(b"pitm", b"\1")) + box(b"mdat")
    (meta, _) = boxes(data, Kind.JPEG)
    assert _walk(data, meta) == [(b"hdlr", b""), (b"pitm", b"\1")]


@pytest.mark.parametrize(
    "data", [box(b"mdat", b"abc")[:-1], b"\0\0\0\x08mda", struct.pack(">I4sI", 1, b"mdat", 0), b"\xff\xff\xff\xffmdat"]
)
def test_a_file_that_ends_inside_a_box_is_truncated(data: bytes) -> None:
    with pytest.raises(TruncatedMediaError):
        _walk(data)


@pytest.mark.parametrize("data", [b"\0\0\0\x07mdat", struct.pack(">I4sQ", 1, b"mdat", 15)])
def test_a_box_smaller_than_its_header_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptMediaError):
        _walk(data)


def test_a_box_that_leaves_its_parent_is_refused() -> None:
    data = box(b"meta", b"\0\0\0\x09free") + b"more"
    with pytest.raises(CorruptMediaError):
        _walk(data, Box(b"meta", 8, 16))


@given(st.binary(max_size=64))
def test_noise_ends(noise: bytes) -> None:
    with suppress(MediaError):
        assert len(_walk(noise)) <= 8


def test_numbers_end_with_their_box() -> None:
    numbers = Numbers(b"\1\2\3\4", Kind.JPEG, Box(b"", 1, 3))
    assert (numbers.take(0), numbers.take(2)) == (0, 0x0203)
    with pytest.raises(CorruptMediaError):
        numbers.take(1)
