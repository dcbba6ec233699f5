"""No film or sound that is cut passes for whole, none that is damaged harms its reader, and none passes for another."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import MediaError, MislabelledMediaError
from detection.media import examine
from tests.detection.recordings import RECORDINGS, found


@pytest.mark.parametrize("name", sorted(RECORDINGS.keys() - {"live webm"}))
@given(share=st.floats(0.01, 1, exclude_max=True))
def test_none_that_is_cut_decodes(name: str, share: float) -> None:
    whole = RECORDINGS[name]
    with pytest.raises(MediaError):
        found(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("name", RECORDINGS)
@given(data=st.data())
def test_flipped_bits_decode_or_are_refused(name: str, data: st.DataObject) -> None:
    file = bytearray(RECORDINGS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(MediaError):
        found(bytes(file))


@pytest.mark.parametrize(
    ("name", "declared", "other"),
    [
        ("mp4", "video/x-m4v", "video/quicktime"),
        ("mov", "video/quicktime", "video/mp4"),
        ("m4a", "video/mp4", "audio/mpeg"),
        ("m4a", "audio/x-m4a", "video/quicktime"),
        ("wav", "audio/x-wav", "audio/flac"),
        ("mp3", "audio/mp3", "audio/mp4"),
        ("flac", "audio/x-flac", "audio/ogg"),
        ("webm", "audio/webm", "video/x-matroska"),
        ("opus", 'audio/ogg; codecs="opus"', "video/ogg"),
        ("opus", "audio/opus", "audio/webm"),
        ("vorbis", "application/ogg", "video/webm"),
    ],
)
def test_other_names_of_its_type_pass_and_no_others(name: str, declared: str, other: str) -> None:
    assert examine(RECORDINGS[name], declared).content == found(RECORDINGS[name])
    with pytest.raises(MislabelledMediaError):
        examine(RECORDINGS[name], other)
