"""Sound files to damage: everything the other tests draw, and a file of every kind that a manifest goes into.

Nothing here names a kind that is accepted: a file is known by what it begins with, so that a kind joins with its
first file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from detection.kinds import MAGIC_BYTES, MAGICS
from tests.detection.documents import WHOLE
from tests.detection.films import Film, sound, tone, write
from tests.detection.pictures import SAMPLES
from tests.provenance.carriers import CARRIERS

_SHORT = tone(0.3)
_FEW = 4
"""Pictures of a film: enough for each of its tables to have entries."""


@cache
def seeds() -> Mapping[str, bytes]:
    """Sound files by name, made anew by every process."""
    return MappingProxyType(dict(_seeds()))


def sniffed(file: bytes) -> str:
    """What a file begins like: a kind, or another format by its name; empty when it is neither."""
    head = file[:MAGIC_BYTES]
    fits = (m for m in MAGICS if head.startswith(m.signature, m.offset) and head.startswith(m.also, 8 if m.also else 0))
    return next((str(magic.name) for magic in fits), "")


def _seeds() -> Iterator[tuple[str, bytes]]:
    yield from SAMPLES.items()
    yield from ((f"pdf, {name}", file) for name, file in WHOLE.items())
    yield from ((f"carrier {mime}", file) for mime, file in CARRIERS.items())
    yield "mp4", write(Film(pictures=_FEW))
    yield "mp4 in fragments", write(Film(pictures=_FEW, muxer={"movflags": "frag_keyframe+empty_moov"}))
    yield "mp4 with a cover", write(Film(pictures=_FEW, video="mpeg4", audio="", cover=True))
    yield "mov", write(Film("mov", pictures=_FEW, video="mpeg4", audio="pcm_s16le"))
    yield "webm", write(Film("webm", pictures=_FEW, video="libvpx-vp9", audio="libopus"))
    for name, container, codec in (
        ("m4a", "ipod", "aac"),
        ("wav", "wav", "pcm_s16le"),
        ("mp3", "mp3", "libmp3lame"),
        ("flac", "flac", "flac"),
        ("ogg", "ogg", "libopus"),
    ):
        yield name, sound(container, codec, _SHORT)
