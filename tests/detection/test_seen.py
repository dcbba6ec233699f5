"""What players show is what is examined: no edit list, no switch and no second track comes between."""

from __future__ import annotations

import io
import struct
from contextlib import ExitStack

import av
import pytest
from av.stream import Disposition

from detection.errors import UnsupportedMediaError
from tests.detection.films import Film, patched, remuxed, tone, write
from tests.detection.recordings import RECORDINGS, found

MP4 = RECORDINGS["mp4"]


def cut(file: bytes, start: int, length: int) -> bytes:
    """The film with an edit list that shows so many milliseconds of its pictures, from such a one on."""
    scale = int.from_bytes(file[(at := file.index(b"mdhd") + 16) : at + 4])
    entry = struct.pack(">IIIihh", 0, 1, length, start * scale // 1000, 1, 0)
    return patched(file, (b"moov", b"trak", b"edts", b"elst"), lambda _: entry)


def test_what_an_edit_list_hides_is_examined_with_the_rest() -> None:
    whole = found(MP4)
    for start, length in ((1200, 500), (0, 100), (2400, 0)):
        assert found(cut(MP4, start, length)) == whole


@pytest.mark.parametrize(("start", "length"), [(1100, 0), (0, 1400), (600, 1400), (99_000, 1)])
def test_an_edit_list_hides_no_more_than_a_cut_needs(start: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detection.recording.MAX_HIDDEN", 1000)
    with pytest.raises(UnsupportedMediaError, match="that an edit list hides"):
        found(cut(MP4, start, length))
    found(cut(MP4, 900, 1500))


def test_pictures_that_are_switched_off_are_refused() -> None:
    off = patched(MP4, (b"moov", b"trak", b"tkhd"), lambda header: header[:3] + b"\2" + header[4:])
    with pytest.raises(UnsupportedMediaError, match="pictures switched off"):
        found(off)


def together(container: str, *files: bytes, chosen: int) -> bytes:
    """The first track of each file in one, of which that one is to be chosen by players."""
    out = io.BytesIO()
    with ExitStack() as opened, av.open(out, "w", format=container) as sink:
        sources = [opened.enter_context(av.open(io.BytesIO(file), "r")) for file in files]
        copies = [sink.add_stream_from_template(source.streams[0]) for source in sources]
        for at, copy in enumerate(copies):
            copy.disposition = Disposition.default if at == chosen else Disposition(0)
        for source, copy in zip(sources, copies, strict=True):
            for packet in source.demux(source.streams[0]):
                if packet.dts is not None:
                    packet.stream = copy
                    sink.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_second_track_of_pictures_is_refused(container: str) -> None:
    pictures = write(Film(container, "libvpx-vp9", ""))
    with pytest.raises(UnsupportedMediaError, match="several tracks of pictures"):
        found(together(container, pictures, pictures, chosen=1))


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("webm", "libopus")])
@pytest.mark.parametrize("chosen", [0, 1])
def test_the_sound_that_players_choose_has_the_windows(container: str, codec: str, chosen: int) -> None:
    sounds = [write(Film(container, "", codec), tone(2.5, seed=seed)) for seed in (1, 2)]
    assert found(together(container, *sounds, chosen=chosen)).windows == found(sounds[chosen]).windows


def test_a_kind_of_sound_with_pictures_is_refused() -> None:
    for kind, file in (
        ("M4A", b"M4A ".join(MP4.split(b"isom", 1))),
        ("Ogg", remuxed(write(Film("webm", "libvpx", "")), "ogg", "matroska")),
    ):
        with pytest.raises(UnsupportedMediaError, match=f"{kind} with pictures"):
            found(file)
