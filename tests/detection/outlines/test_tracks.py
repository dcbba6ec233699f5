"""The tracks of a film: in the file itself, each said once, and shown from end to end but for what is cut off."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import CorruptMediaError, MediaError, UnsupportedMediaError
from detection.kinds import Kind
from detection.outlines.boxes import boxes
from detection.outlines.tracks import Shown, shown
from tests.provenance.carriers import box

Edit = tuple[int, int, int, int]
HERE = box(b"url ", b"\0\0\0\1")
MOVIE, MEDIA = 600, 8000
"""Units of time in a second: of the film, and of its tracks."""


def header(name: bytes, number: int, version: int = 0) -> bytes:
    return box(name, bytes((version, 0, 0, 1)) + bytes(16 if version else 8) + number.to_bytes(4) + bytes(60))


def listed(*edits: Edit, version: int = 0) -> bytes:
    form = ">Qqhh" if version else ">Iihh"
    entries = b"".join(struct.pack(form, *edit) for edit in edits)
    return box(b"edts", box(b"elst", struct.pack(">B3xI", version, len(edits)) + entries))


def track(edits: bytes = b"", number: int = 1, reference: bytes = HERE, more: bytes = b"", version: int = 0) -> bytes:
    media = box(b"minf", box(b"dinf", box(b"dref", struct.pack(">II", 0, 1) + reference)) + box(b"stbl", more))
    return box(
        b"trak",
        header(b"tkhd", number, version) + edits + box(b"mdia", header(b"mdhd", MEDIA, version) + media),
    )


def found(*tracks: bytes, movie: bytes = header(b"mvhd", MOVIE)) -> dict[int, Shown]:
    file = box(b"moov", movie + b"".join(tracks))
    return dict(shown(file, Kind.MP4, next(boxes(file, Kind.MP4))))


PLAIN = (1, 0)
WHOLE = listed((1200, 0, *PLAIN))


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (b"", {}),
        (listed(), {}),
        (WHOLE, {1: Shown(0, 2000)}),
        (listed((0, 1024, *PLAIN)), {1: Shown(128, None)}),
        (listed((600, -1, *PLAIN), (900, 4000, *PLAIN)), {1: Shown(500, 1500)}),
        (listed((600, -1, *PLAIN), (900, 4000, *PLAIN), version=1), {1: Shown(500, 1500)}),
    ],
)
def test_one_edit_says_what_is_shown(edits: bytes, expected: dict[int, Shown]) -> None:
    assert found(track(edits)) == expected
    assert found(track(edits, version=1), movie=header(b"mvhd", MOVIE, 1)) == expected


@pytest.mark.parametrize(
    ("part", "hidden"),
    [
        (Shown(0, None), 0),
        (Shown(500, None), 500),
        (Shown(0, 3000), 0),
        (Shown(500, 1500), 1500),
        (Shown(2900, 0), 3000),
    ],
)
def test_what_is_hidden_is_what_is_left(part: Shown, hidden: int) -> None:
    assert part.hides(3000) == hidden


@pytest.mark.parametrize(
    "edits",
    [
        listed((600, 0, *PLAIN), (600, 9000, *PLAIN)),
        listed((600, 9000, *PLAIN), (600, 0, *PLAIN)),
        listed((600, 0, *PLAIN), (600, -1, *PLAIN)),
        listed((600, -1, *PLAIN), (600, -1, *PLAIN), (600, 0, *PLAIN)),
        listed((600, -1, *PLAIN)),
        listed((1200, 0, 2, 0)),
        listed((1200, 0, 0, 0)),
        listed((1200, 0, 1, 1)),
    ],
)
def test_a_list_that_does_more_than_cut_is_refused(edits: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="edit list"):
        found(track(WHOLE), track(edits, 2))


@pytest.mark.parametrize("elsewhere", [box(b"url ", b"\0\0\0\0http://host/film.mp4\0"), HERE + box(b"alis", bytes(8))])
def test_media_in_other_files_are_refused(elsewhere: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="media in other files"):
        found(track(reference=elsewhere))


@pytest.mark.parametrize("twice", [b"stco", b"stsz", b"stsd", b"elst"])
def test_a_track_that_says_something_twice_is_refused(twice: bytes) -> None:
    with pytest.raises(CorruptMediaError, match="twice"):
        found(track(WHOLE, more=box(twice, bytes(8)) * 2))


def test_a_track_is_of_one_kind() -> None:
    """Readers take the first handler or the last, wherever in the track it lies: pictures could pass as subtitles."""
    handlers = [box(b"hdlr", bytes(8) + kind + bytes(12)) for kind in (b"vide", b"subp", b"mdir")]
    assert found(track(WHOLE, more=handlers[0])) == {1: Shown(0, 2000)}
    assert found(track(WHOLE, more=handlers[0] + box(b"udta", box(b"meta", handlers[2]))))
    for place in (handlers[1], box(b"meta", bytes(4) + handlers[1])):
        with pytest.raises(CorruptMediaError, match="twice"):
            found(track(WHOLE, more=handlers[0] + place))


def test_tracks_are_told_apart_by_their_numbers() -> None:
    assert found(track(WHOLE), track(number=2)) == {1: Shown(0, 2000)}
    with pytest.raises(CorruptMediaError, match="one number"):
        found(track(WHOLE), track())


@given(at=st.integers(0, len(track(WHOLE)) - 1), value=st.integers(0, 255))
def test_any_change_is_read_or_refused(at: int, value: int) -> None:
    changed = bytearray(track(WHOLE))
    changed[at] = value
    with suppress(MediaError):
        found(bytes(changed))
