"""A film or a sound opened with FFmpeg, and the tracks in it that are its content. Runs in sandboxed workers only.

Rules
- The demuxer follows from the sniffed format, the decoders are those of `detection.codecs`; nothing that a file names
  elsewhere is looked for.
- What is examined is what players show: one track of pictures, and that one switched on. Edit lists are passed over, so
  that what they hide is examined, too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from detection.codecs import PICTURES, SOUNDS
from detection.errors import CorruptMediaError, UnsupportedCodecError, UnsupportedMediaError
from detection.kinds import Kind
from detection.limits import MAX_TRACKS, at_most
from detection.outlines.outline import Bytes

READ_BYTES: Final = 256 * 1024
"""How much FFmpeg asks for at a time."""

BOXED: Final = frozenset({Kind.MP4, Kind.MOV, Kind.M4A})
"""Formats whose index names every packet."""

_DEMUXERS: Final[Mapping[Kind, str]] = {
    **dict.fromkeys(BOXED, "mov"),
    Kind.WAV: "wav",
    Kind.MP3: "mp3",
    Kind.FLAC: "flac",
    Kind.WEBM: "matroska",
    Kind.OGG: "ogg",
}
_CONTAINER: Final = {
    "codec_whitelist": ",".join((*PICTURES, *SOUNDS)),
    "protocol_whitelist": "",
    "max_streams": str(2 * MAX_TRACKS),
}
_BOXES: Final = {"ignore_chapters": "1", "ignore_editlist": "1", "enable_drefs": "0", "use_absolute_path": "0"}
_DECODER: Final = {"err_detect": "explode"}
"""What cannot be decoded is an error, where FFmpeg would conceal it."""


@contextmanager
def opened(data: Bytes, kind: Kind) -> Iterator[InputContainer]:
    """The container, and what FFmpeg says of a damaged file in our words. Raises CorruptMediaError."""
    file: Any = io.BytesIO(data) if isinstance(data, bytes) else data
    file.seek(0)
    options = _CONTAINER | (_BOXES if kind in BOXED else {})
    try:
        with av.open(
            file,
            "r",
            format=_DEMUXERS[kind],
            container_options=options,
            metadata_errors="replace",
            buffer_size=READ_BYTES,
        ) as container:
            yield container
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:  # ValueError: PyAV seeks where an index leads, beyond the file too
        raise CorruptMediaError(kind=kind, reason="it does not decode") from error


def content_of(container: InputContainer, kind: Kind) -> list[Stream]:
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
    if kind in BOXED and not all(stream.disposition & Disposition.default for stream in pictures):
        raise UnsupportedMediaError(kind=f"{kind} with its pictures switched off")
