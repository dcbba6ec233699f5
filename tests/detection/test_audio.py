"""Sounds: the same samples have the same hash in every lossless format, and a change is told to the second."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.errors import (
    CorruptMediaError,
    TruncatedMediaError,
    UnsupportedCodecError,
)
from tests.detection.films import RATE, Samples, remuxed, sound, tone
from tests.detection.recordings import RECORDINGS, found

LOSSLESS = [
    *(("wav", f"pcm_{form}") for form in ("s16le", "s24le", "s32le")),
    *(("flac", "flac"), ("ipod", "alac"), ("mov", "pcm_s16be"), ("mov", "alac")),
]


def documented(samples: Samples) -> str:
    line = hashlib.sha256((samples.astype("<i4") << 16).tobytes()).hexdigest()
    whole = f"sigillo/tracks/v1\nsound samples i4 {RATE} {samples.shape[1]} {line}\n"
    return hashlib.sha256(whole.encode()).hexdigest()


@pytest.mark.parametrize(("container", "codec"), LOSSLESS)
@settings(max_examples=5)
@given(seconds=st.floats(0.1, 2.5), channels=st.integers(1, 2), seed=st.integers(0, 99))
def test_the_same_samples_have_the_documented_hash(
    container: str, codec: str, seconds: float, channels: int, seed: int
) -> None:
    samples = tone(seconds, channels, seed=seed)
    content = found(sound(container, codec, samples))
    assert content.content_hash == documented(samples)
    assert content.duration == 1000 * len(samples) // RATE
    assert (content.width, content.frames) == (None, ())


def test_eight_bits_and_laws_and_floating_point_decode() -> None:
    hashes = {
        found(sound("wav", f"pcm_{form}", tone(1))).content_hash for form in ("u8", "alaw", "mulaw", "f32le", "f64le")
    }
    assert len(hashes) == 5


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_change_is_told_to_the_second(changed: int) -> None:
    samples, other = tone(2.5), tone(2.5)
    other[changed * RATE + 7] += 1
    pairs = zip(
        found(sound("wav", "pcm_s16le", samples)).windows, found(sound("flac", "flac", other)).windows, strict=True
    )
    assert [one.at for one, another in pairs if one != another] == [1000 * changed]


def test_a_window_is_the_hash_of_its_samples() -> None:
    samples = tone(2.5)
    expected = [
        hashlib.sha256((samples[at : at + RATE].astype("<i4") << 16).tobytes()).hexdigest()
        for at in range(0, len(samples), RATE)
    ]
    assert [window.sha256 for window in found(RECORDINGS["wav"]).windows] == expected


def test_new_tags_and_new_wrapping_leave_lossy_sound_alone() -> None:
    plain = found(sound("mp3", "libmp3lame", tone(2.5), id3v2_version="0")).content_hash
    assert found(RECORDINGS["mp3"]).content_hash == plain
    assert found(remuxed(RECORDINGS["m4a"], "mov")).content_hash == found(RECORDINGS["m4a"]).content_hash


def test_a_flac_that_lacks_what_its_header_promises_is_truncated() -> None:
    file = bytearray(RECORDINGS["flac"])
    file[25] += 1
    with pytest.raises(TruncatedMediaError):
        found(bytes(file))


@pytest.mark.parametrize("said", [True, False])
def test_a_wav_with_a_second_sound_is_refused_within_its_bounds_and_beyond(said: bool) -> None:
    file = sound("wav", "pcm_s16le", tone(1))
    second = b"data" + (400).to_bytes(4, "little") + bytes(400)
    size = len(file) + len(second) - 8 if said else len(file) - 8
    with pytest.raises(CorruptMediaError, match="two sounds"):
        found(file[:4] + size.to_bytes(4, "little") + file[8:] + second)


def test_what_follows_a_wav_makes_no_difference() -> None:
    file = sound("wav", "pcm_s16le", tone(1))
    assert found(file + bytes(range(1, 100))).content_hash == found(file).content_hash


def test_a_codec_that_is_not_accepted_is_named() -> None:
    with pytest.raises(UnsupportedCodecError, match="uses adpcm_ms"):
        found(sound("wav", "adpcm_ms", tone(1)))


def test_samples_of_all_sizes_fill_the_top_of_their_bits() -> None:
    loudest = np.full((RATE, 1), -32768, np.int16)
    assert found(sound("wav", "pcm_u8", loudest)).content_hash == documented(loudest)
