"""A film or sound of every kind and way of writing it, each two and a half seconds long."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from detection.examination import Content
from detection.media import examine
from tests.detection.films import Film, remuxed, sound, tone, write

_MP4 = write(Film())
_OPEN = Film("webm", "libvpx", "libopus")
_TONE = tone(2.5)

RECORDINGS: Final = {
    "mp4": _MP4,
    "fragmented mp4": remuxed(_MP4, "mp4", movflags="frag_keyframe+empty_moov"),
    "mov": remuxed(_MP4, "mov"),
    "m4a": sound("ipod", "aac", _TONE),
    "wav": sound("wav", "pcm_s16le", _TONE),
    "mp3": sound("mp3", "libmp3lame", _TONE),
    "mp3 without a tag": sound("mp3", "libmp3lame", _TONE, id3v2_version="0"),
    "flac": sound("flac", "flac", _TONE),
    "webm": write(_OPEN),
    "live webm": write(replace(_OPEN, muxer={"live": "1"})),
    "opus": sound("ogg", "libopus", _TONE),
    "vorbis": sound("ogg", "vorbis", _TONE),
    "flac in ogg": sound("ogg", "flac", _TONE),
}


def found(file: bytes) -> Content:
    """What an examination finds."""
    return examine(file, None).content
