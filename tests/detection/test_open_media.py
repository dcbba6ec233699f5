"""WebM and Ogg: what is in them has the hash that it has elsewhere, and nothing cut or flipped passes for whole."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import av
import pytest

from detection.errors import CorruptMediaError, UnsupportedMediaError
from detection.kinds import MAGIC_BYTES, sniff
from tests.detection.films import Film, frames, remuxed, sound, tone, write
from tests.detection.recordings import RECORDINGS, found

FILM = Film("webm", "libvpx", "libopus")


def test_a_film_is_measured() -> None:
    content = found(RECORDINGS["webm"])
    assert (content.width, content.height, content.duration) == (64, 48, 2500)
    assert [frame.at for frame in content.frames] == [0, 1000, 2000]
    assert [window.at for window in content.windows] == [0, 1000, 2000]
    assert content.decoder.endswith("(vp8, opus)")
    assert found(RECORDINGS["live webm"]).content_hash != "", "it decodes"


@pytest.mark.parametrize(
    ("video", "audio"), [("libvpx-vp9", "libopus"), ("libsvtav1", "libopus"), ("libvpx", "vorbis")]
)
def test_every_codec_of_the_format_decodes(video: str, audio: str) -> None:
    content = found(write(replace(FILM, video=video, audio=audio)))
    assert (len(content.frames), len(content.windows)) == (3, 3)


def test_lossless_pictures_have_the_documented_hash() -> None:
    film = Film("webm", "libvpx-vp9", "", options={"lossless": "1"}, pictures=5)
    track = hashlib.sha256()
    for frame in frames(film):
        track.update(b"yuv420p 64x48\n" + frame.to_ndarray().tobytes())
    whole = f"sigillo/tracks/v1\npicture frames turned 0 {track.hexdigest()}\n"
    assert found(write(film)).content_hash == hashlib.sha256(whole.encode()).hexdigest()


def test_the_same_tracks_agree_whatever_holds_them() -> None:
    assert found(RECORDINGS["flac in ogg"]).content_hash == found(sound("wav", "pcm_s16le", tone(2.5))).content_hash
    for name in ("opus", "vorbis"):
        assert found(remuxed(RECORDINGS[name], "webm", "ogg")).content_hash == found(RECORDINGS[name]).content_hash
    film = write(replace(FILM, video="libvpx-vp9", audio=""))
    assert found(remuxed(film, "mp4", "matroska")).content_hash == found(film).content_hash


def test_vorbis_is_hashed_with_its_setup() -> None:
    with av.open(io.BytesIO(RECORDINGS["vorbis"]), "r") as container:
        headers = container.streams.audio[0].codec_context.extradata or b""
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    setup = headers[headers.index(b"\5vorbis") :]
    track = hashlib.sha256(b"".join(f"{len(piece)}\n".encode() + piece for piece in (setup, *packets))).hexdigest()
    whole = f"sigillo/tracks/v1\nsound packets vorbis 8000 2 {track}\n"
    assert found(RECORDINGS["vorbis"]).content_hash == hashlib.sha256(whole.encode()).hexdigest()


def test_matroska_is_told_from_webm() -> None:
    film = write(Film("matroska"))
    with pytest.raises(UnsupportedMediaError, match="Matroska is not accepted"):
        found(film)
    with pytest.raises(UnsupportedMediaError, match="Matroska is not accepted"):  # whatever it was declared as
        sniff(film[:MAGIC_BYTES])


def test_a_vorbis_track_without_its_headers_is_refused() -> None:
    file = remuxed(RECORDINGS["vorbis"], "webm", "ogg")
    at = file.index(b"\5vorbis")
    with pytest.raises(CorruptMediaError):
        found(file[:at] + bytes(7) + file[at + 7 :])
