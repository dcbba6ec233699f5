"""Films decode whole or are refused, and what wraps a track makes no difference to its hash."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import numpy as np
import pytest

from detection.errors import (
    CorruptMediaError,
    MediaTooLargeError,
    TruncatedMediaError,
    UnsupportedCodecError,
)
from detection.examination import NormalForm
from detection.fingerprint import frame_hash
from tests.detection.films import Film, frames, remuxed, seen, turned, write
from tests.detection.recordings import RECORDINGS, found

FILM = Film()
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
LOSSLESS = {
    "libx264": {"qp": "0"},
    "libx265": {"x265-params": "lossless=1:log-level=none"},
    "libvpx-vp9": {"lossless": "1"},
}


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_a_film_is_measured() -> None:
    content = found(RECORDINGS["mp4"])
    assert content.normal_form is NormalForm.TRACKS
    assert (content.width, content.height, content.duration) == (64, 48, 2688)
    assert [frame.at for frame in content.frames] == [0, 1000, 2000]
    assert [window.at for window in content.windows] == [0, 1000, 2000]
    assert content.decoder.endswith("(h264, aac)")


def test_each_frame_hash_is_of_the_picture_shown_then() -> None:
    drawn = [frame_hash(seen(frame)) for frame in frames(FILM)]
    for frame in found(RECORDINGS["mp4"]).frames:
        distances = [distance(frame.pdq, other.pdq) for other in drawn]
        assert distances.index(min(distances)) == frame.at // 100
        assert min(distances) <= 31


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv444p", "gray"])
def test_the_hash_is_that_of_the_documented_form(pixels: str) -> None:
    film = Film(video="libx265", audio="", options=LOSSLESS["libx265"], pictures=5, pixels=pixels, width=50, height=34)
    track = hashlib.sha256()
    for frame in frames(film):
        track.update(f"{pixels} 50x34\n".encode() + frame.to_ndarray().tobytes())
    whole = f"sigillo/tracks/v1\npicture frames turned 0 {track.hexdigest()}\n"
    assert found(write(film)).content_hash == hashlib.sha256(whole.encode()).hexdigest()


@pytest.mark.parametrize(
    ("pixels", "codecs"),
    [
        ("yuv420p", {"libx264": {}, "libx265": {}, "libvpx-vp9": {}}),
        ("yuv444p", {"libx264": {}, "libx265": {}, "libvpx-vp9": {"profile": "1"}}),
    ],
)
def test_lossless_films_of_the_same_pictures_agree(pixels: str, codecs: dict[str, dict[str, str]]) -> None:
    films = [
        replace(FILM, video=codec, options=LOSSLESS[codec] | more, pixels=pixels, audio="", width=50, height=34)
        for codec, more in codecs.items()
    ]
    hashes = {found(write(film)).content_hash for film in films}
    assert len(hashes) == 1
    assert found(write(replace(films[0], pictures=24))).content_hash not in hashes


def test_another_wrapping_changes_nothing() -> None:
    content = found(RECORDINGS["mp4"])
    for again in (
        remuxed(RECORDINGS["mp4"], "mp4", movie_timescale="600"),
        remuxed(RECORDINGS["mp4"], "mp4", video_track_timescale="90000"),
        RECORDINGS["fragmented mp4"],
        remuxed(RECORDINGS["fragmented mp4"], "mp4"),
    ):
        other = found(again)
        assert (other.content_hash, other.frames, other.windows) == (
            content.content_hash,
            content.frames,
            content.windows,
        )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_is_measured_as_seen(degrees: int) -> None:
    content, upright = found(turned(RECORDINGS["mp4"], degrees)), found(RECORDINGS["mp4"])
    assert (content.width, content.height) == ((64, 48) if degrees == 180 else (48, 64))
    assert content.content_hash != upright.content_hash
    picture = seen(frames(FILM)[0]).rotate(-degrees, expand=True)
    assert distance(content.frames[0].pdq, frame_hash(picture).pdq) <= 31


@pytest.mark.parametrize("video", ["libsvtav1", "mpeg4", "mjpeg"])
def test_every_accepted_codec_decodes(video: str) -> None:
    film = replace(FILM, video=video, pixels="yuvj420p" if video == "mjpeg" else "yuv420p")
    file = write(film)
    content = found(file)
    assert (content.width, content.height, len(content.frames)) == (64, 48, 3)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    if video != "libsvtav1":  # PyAV cannot name an encoder for what dav1d decoded
        assert found(remuxed(file, "mp4", **FRAGMENTED)).content_hash == content.content_hash


def test_a_codec_that_is_not_accepted_is_named() -> None:
    with pytest.raises(UnsupportedCodecError, match="uses png, which is not accepted"):
        found(write(replace(FILM, video="png", pixels="rgb24")))


def test_a_cover_is_not_the_content() -> None:
    film = replace(FILM, video="mpeg4")
    assert found(write(replace(film, cover=True))).content_hash == found(write(film)).content_hash


def test_a_film_cut_where_a_box_ends_is_refused() -> None:
    whole = RECORDINGS["mp4"]
    cut = whole[: whole.index(b"moov") - 4]
    with pytest.raises(CorruptMediaError, match="it has no index"):
        found(cut)


def test_an_index_that_leads_out_of_the_file_is_noticed() -> None:
    file = bytearray(remuxed(RECORDINGS["mp4"], "mp4"))
    at = file.index(b"stco") + 12
    file[at : at + 4] = (len(file) - 10).to_bytes(4)
    with pytest.raises((TruncatedMediaError, CorruptMediaError)):
        found(bytes(file))


def test_a_track_of_pictures_with_a_hole_is_refused() -> None:
    file = bytearray(RECORDINGS["mp4"])
    start = file.index(b"mdat") + 2000
    file[start : start + 600] = np.random.default_rng(1).bytes(600)
    with pytest.raises(CorruptMediaError):
        found(bytes(file))


def test_limits_hold_before_frames_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit, field in (
        ("video.MAX_FRAME_PIXELS", 64 * 48 - 1, "pixels in a frame"),
        ("video.MAX_FILM_PIXELS", 25 * 64 * 48 - 1, "pixels in all its frames"),
        ("container.MAX_TRACKS", 1, "tracks"),
        ("recording.MAX_DURATION", 2000, "milliseconds"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"detection.{name}", limit)
            patch.setattr("detection.recording.VideoTrack.take", None)
            with pytest.raises(MediaTooLargeError) as caught:
                found(RECORDINGS["mp4"])
        assert caught.value.field == field


def test_limits_hold_where_headers_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detection.video.MAX_FILM_PIXELS", 25 * 64 * 48 - 1)
    with pytest.raises(MediaTooLargeError, match="pixels in all its frames"):
        found(RECORDINGS["fragmented mp4"])
