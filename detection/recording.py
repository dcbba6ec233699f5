"""Decoding what moves and sounds: films and sound files, with FFmpeg through PyAV. Runs in sandboxed workers only.

Rules
- Order: outline, tracks and sizes as the headers have them, and only then frames and samples (invariant 12).
- Every packet of every track of pictures or sound is decoded, or the file is refused; nothing is held but the current
  one. Cover pictures, subtitles, chapters and time codes are not the content.
- An edit list may hide MAX_HIDDEN of a track, which is examined all the same.

The content hash, normal form `sigillo/tracks/v1`, is SHA-256 over the ASCII line `sigillo/tracks/v1` and a line for
each track, each with its newline: the tracks of pictures, then those of sound, in the order of the file. The line of a
track is `VideoTrack.form` or `AudioTrack.form`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import av
from av.stream import Stream

from detection.audio import AudioTrack
from detection.container import BOXED, content_of, opened
from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedMediaError
from detection.examination import Content, FrameHash, NormalForm
from detection.fingerprint import PDQ_SIDE, frame_hash
from detection.kinds import Kind
from detection.limits import MAX_DURATION, MAX_FRAMES, MAX_HIDDEN, at_most
from detection.outlines import film, ogg, sound, webm
from detection.outlines.outline import Bytes
from detection.outlines.tracks import Shown
from detection.stretches import Look
from detection.video import Looking, VideoTrack

_OUTLINES: Final[Mapping[Kind, Callable[[Bytes], int | None]]] = {
    Kind.FLAC: sound.flac,
    Kind.WAV: sound.wav,
    Kind.MP3: sound.mp3,
    Kind.WEBM: webm.outline,
    Kind.OGG: ogg.outline,
}


def read(data: Bytes, kind: Kind) -> Content:
    """Decode and fingerprint the whole file. Raises the subclasses of MediaError."""
    return _content(*_decoded(data, kind, Looking(frame_hash, PDQ_SIDE, MAX_FRAMES)))


def watch(data: Bytes, kind: Kind, looking: Looking[Look]) -> tuple[Look, ...]:
    """Decode the whole file, and what was made of its pictures; nothing where there is only sound. Raises as `read`."""
    pictures, *_ = _decoded(data, kind, looking)
    return pictures[0].frames if pictures else ()


def _decoded(data: Bytes, kind: Kind, looking: Looking[Look]) -> tuple[list[VideoTrack[Look]], list[AudioTrack], str]:
    """The tracks of pictures and those of sound, taken to their ends, and who decoded them."""
    samples, edits = _outline(data, kind)
    with opened(data, kind) as container:
        at_most("milliseconds", MAX_DURATION, (container.duration or 0) // 1000)
        streams = content_of(container, kind)
        if not streams:
            raise CorruptMediaError(kind=kind, reason="nothing in it is to be seen or heard")
        tracks = {stream.index: _track(stream, kind, looking) for stream in streams}
        taken = dict.fromkeys(tracks, 0)
        packets: Iterator[Any] = container.demux(streams)
        for packet in packets:
            if packet.is_corrupt:
                raise CorruptMediaError(kind=kind, reason="it does not decode")
            index = packet.stream.index  # the packet's own is unset in the empty ones that end a track
            taken[index] += packet.size > 0
            tracks[index].take(packet)
        if kind in BOXED:
            for stream in streams:
                _check_index(stream, taken[stream.index], len(data), kind)
                _check_edit(edits.get(stream.id), tracks[stream.index].duration, kind)
    if any(isinstance(track, AudioTrack) and track.moments < samples for track in tracks.values()):
        raise TruncatedMediaError(kind=kind)
    if any(track.empty for track in tracks.values()):
        raise CorruptMediaError(kind=kind, reason="a track is empty")
    pictures = [track for track in tracks.values() if isinstance(track, VideoTrack)]
    sounds = [track for track in tracks.values() if isinstance(track, AudioTrack)]
    return pictures, sounds, _decoder(streams)


def _outline(data: Bytes, kind: Kind) -> tuple[int, Mapping[int, Shown]]:
    """Walk the container; the samples that its headers promise, 0 where they promise none, and what is shown of tracks
    that have edit lists.
    """
    if kind in BOXED:
        return 0, film.outline(data, kind)
    return _OUTLINES[kind](data) or 0, {}


def _track(stream: Stream, kind: Kind, looking: Looking[Look]) -> VideoTrack[Look] | AudioTrack:
    if isinstance(stream, av.VideoStream):
        return VideoTrack(stream, kind, looking)
    assert isinstance(stream, av.AudioStream)
    return AudioTrack(stream, kind)


def _check_index(stream: Stream, taken: int, size: int, kind: Kind) -> None:
    """FFmpeg ends a track quietly where the file ends, and where the index is senseless."""
    entries = list(stream.index_entries)
    if any(entry.pos + entry.size > size for entry in entries):
        raise TruncatedMediaError(kind=kind)
    if taken != len(entries):
        raise CorruptMediaError(kind=kind, reason="its index does not lead to all of it")


def _check_edit(edit: Shown | None, duration: int, kind: Kind) -> None:
    if edit and edit.hides(duration) > MAX_HIDDEN:
        raise UnsupportedMediaError(kind=f"{kind} with more than {MAX_HIDDEN // 1000} seconds that an edit list hides")


def _content(pictures: list[VideoTrack[FrameHash]], sounds: list[AudioTrack], decoder: str) -> Content:
    tracks: list[VideoTrack[FrameHash] | AudioTrack] = [*pictures, *sounds]
    lines = (NormalForm.TRACKS, *(track.form for track in tracks))
    return Content(
        decoder=decoder,
        content_hash=hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest(),
        normal_form=NormalForm.TRACKS,
        width=pictures[0].width if pictures else None,
        height=pictures[0].height if pictures else None,
        duration=max(track.duration for track in tracks),
        frames=pictures[0].frames if pictures else (),
        windows=next((track.windows for track in sorted(sounds, key=lambda track: not track.on)), ()),
    )


def _decoder(streams: list[Stream]) -> str:
    codecs = ", ".join(dict.fromkeys(stream.codec_context.name for stream in streams))
    return f"FFmpeg {av.ffmpeg_version_info}, PyAV {av.__version__} ({codecs})"
