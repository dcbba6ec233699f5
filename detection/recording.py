"""Decoding what moves and sounds: films and sound files, with FFmpeg through PyAV. Runs in sandboxed workers only.

Rules
- Order: outline, tracks and sizes as the headers have them, and only then frames and samples (invariant 12).
- The demuxer follows from the sniffed format, the decoders are those of `detection.codecs`; nothing that a file
  names elsewhere is looked for.
- Every packet of every track of pictures or sound is decoded, or the file is refused; nothing is held but the current
  one. Cover pictures, subtitles, chapters and time codes are not the content.
- What is examined is what players show: one track of pictures, and that one switched on. Edit lists are passed over, so
  that what they hide is examined, too; they may hide MAX_HIDDEN of it.

The content hash, normal form `sigillo/tracks/v1`, is SHA-256 over the ASCII line `sigillo/tracks/v1` and a line for
each track, each with its newline: the tracks of pictures, then those of sound, in the order of the file. The line of a
track is `VideoTrack.form` or `AudioTrack.form`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from detection.audio import AudioTrack
from detection.codecs import PICTURES, SOUNDS
from detection.errors import CorruptMediaError, TruncatedMediaError, UnsupportedCodecError, UnsupportedMediaError
from detection.examination import Content, NormalForm
from detection.kinds import Kind
from detection.limits import MAX_DURATION, MAX_HIDDEN, MAX_TRACKS, at_most
from detection.outlines import film, ogg, sound, webm
from detection.outlines.outline import Bytes
from detection.outlines.tracks import Shown
from detection.video import VideoTrack

READ_BYTES: Final = 256 * 1024
"""How much FFmpeg asks for at a time."""

_BOXED: Final = frozenset({Kind.MP4, Kind.MOV, Kind.M4A})
"""Formats whose index names every packet."""

_DEMUXERS: Final[Mapping[Kind, str]] = {
    **dict.fromkeys(_BOXED, "mov"),
    Kind.WAV: "wav",
    Kind.MP3: "mp3",
    Kind.FLAC: "flac",
    Kind.WEBM: "matroska",
    Kind.OGG: "ogg",
}
_OUTLINES: Final[Mapping[Kind, Callable[[Bytes], int | None]]] = {
    Kind.FLAC: sound.flac,
    Kind.WAV: sound.wav,
    Kind.MP3: sound.mp3,
    Kind.WEBM: webm.outline,
    Kind.OGG: ogg.outline,
}
_CONTAINER: Final = {
    "codec_whitelist": ",".join((*PICTURES, *SOUNDS)),
    "protocol_whitelist": "",
    "max_streams": str(2 * MAX_TRACKS),
}
_BOXES: Final = {"ignore_chapters": "1", "ignore_editlist": "1", "enable_drefs": "0", "use_absolute_path": "0"}
_DECODER: Final = {"err_detect": "explode"}
"""What cannot be decoded is an error, where FFmpeg would conceal it."""


def read(data: Bytes, kind: Kind) -> Content:
    """Decode and fingerprint the whole file. Raises the subclasses of MediaError."""
    samples, edits = _outline(data, kind)
    with _errors(kind), _opened(data, kind) as container:
        at_most("milliseconds", MAX_DURATION, (container.duration or 0) // 1000)
        streams = _streams(container, kind)
        if not streams:
            raise CorruptMediaError(kind=kind, reason="nothing in it is to be seen or heard")
        tracks = {stream.index: _track(stream, kind) for stream in streams}
        taken = dict.fromkeys(tracks, 0)
        packets: Iterator[Any] = container.demux(streams)
        for packet in packets:
            if packet.is_corrupt:
                raise CorruptMediaError(kind=kind, reason="it does not decode")
            index = packet.stream.index  # the packet's own is unset in the empty ones that end a track
            taken[index] += packet.size > 0
            tracks[index].take(packet)
        if kind in _BOXED:
            for stream in streams:
                _check_index(stream, taken[stream.index], len(data), kind)
                _check_edit(edits.get(stream.id), tracks[stream.index].duration, kind)
    if any(isinstance(track, AudioTrack) and track.moments < samples for track in tracks.values()):
        raise TruncatedMediaError(kind=kind)
    return _content(list(tracks.values()), kind, _decoder(streams))


def _outline(data: Bytes, kind: Kind) -> tuple[int, Mapping[int, Shown]]:
    """Walk the container; the samples that its headers promise, 0 where they promise none, and what is shown of tracks
    that have edit lists.
    """
    if kind in _BOXED:
        return 0, film.outline(data, kind)
    return _OUTLINES[kind](data) or 0, {}


@contextmanager
def _errors(kind: Kind) -> Iterator[None]:
    """What FFmpeg says of a damaged file, in our words."""
    try:
        yield
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:  # ValueError: PyAV seeks where an index leads, beyond the file too
        raise CorruptMediaError(kind=kind, reason="it does not decode") from error


def _opened(data: Bytes, kind: Kind) -> InputContainer:
    file: Any = io.BytesIO(data) if isinstance(data, bytes) else data
    file.seek(0)
    opened: InputContainer = av.open(
        file,
        "r",
        format=_DEMUXERS[kind],
        container_options=_CONTAINER | (_BOXES if kind in _BOXED else {}),
        metadata_errors="replace",
        buffer_size=READ_BYTES,
    )
    return opened


def _streams(container: InputContainer, kind: Kind) -> list[Stream]:
    """The tracks that are the content, pictures first.

    Raises MediaTooLargeError, UnsupportedCodecError, UnsupportedMediaError.
    """
    at_most("tracks", MAX_TRACKS, len(container.streams))
    streams: list[Stream] = []
    for medium, known in (("video", PICTURES), ("audio", SOUNDS)):
        for stream in container.streams:
            if stream.type != medium or stream.disposition & Disposition.attached_pic:
                continue
            # A stream of an unknown codec has no context, whatever its type says.
            context: av.CodecContext | None = stream.codec_context
            name = context.name if context else "an unknown codec"
            if context is None or name not in known:
                raise UnsupportedCodecError(kind=kind, codec=name)
            context.options, context.thread_count = dict(_DECODER), 1
            streams.append(stream)
    _check_seen([stream for stream in streams if stream.type == "video"], kind)
    return streams


def _check_seen(pictures: list[Stream], kind: Kind) -> None:
    """Raises UnsupportedMediaError where players differ about which pictures they show, or show none."""
    if pictures and kind.mime.startswith("audio/"):
        raise UnsupportedMediaError(kind=f"{kind} with pictures")
    if len(pictures) > 1:
        raise UnsupportedMediaError(kind=f"{kind} with several tracks of pictures")
    if kind in _BOXED and not all(stream.disposition & Disposition.default for stream in pictures):
        raise UnsupportedMediaError(kind=f"{kind} with its pictures switched off")


def _track(stream: Stream, kind: Kind) -> VideoTrack | AudioTrack:
    if isinstance(stream, av.VideoStream):
        return VideoTrack(stream, kind)
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


def _content(tracks: list[VideoTrack | AudioTrack], kind: Kind, decoder: str) -> Content:
    pictures = [track for track in tracks if isinstance(track, VideoTrack)]
    sounds = [track for track in tracks if isinstance(track, AudioTrack)]
    if any(track.empty for track in tracks):
        raise CorruptMediaError(kind=kind, reason="a track is empty")
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
