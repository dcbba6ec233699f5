"""The job module of this package: `examine`, `fingerprint` and `trace`. Only workers import it; it loads decoders.

The first two take {"declared": media type or null} and the file's descriptor. `examine` gives
`detection.examination.Examination`, `fingerprint` what `detection.copies.fingerprint.Fingerprint` says of a picture,
`trace` what `detection.trace.Trace` says of a file. They raise the `MediaError` that says why a file is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import av
import av.subtitles.codeccontext
import numpy as np
import pikepdf
from PIL import Image

from detection import media
from detection.decoders import DECODERS
from detection.examination import to_result
from detection.fingerprint import turned_hashes
from detection.kinds import Kind
from detection.worker import Ask, Job

_MOVING: Final = frozenset({Kind.PNG, Kind.WEBP, Kind.GIF, Kind.AVIF})
_RATE: Final = 8000
_RECORDINGS: Final[Mapping[Kind, tuple[str, str, str, str]]] = {
    Kind.MP4: ("mp4", "mpeg4", "aac", "fltp"),
    Kind.WEBM: ("webm", "libvpx", "libopus", "s16"),
    Kind.OGG: ("ogg", "", "libopus", "s16"),
}
"""Container, codecs, and the form of the samples."""


def examine(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Decode a file and fingerprint it. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with media.mapped(descriptor) as data:
        return to_result(media.examine(data, args["declared"])), []


def fingerprint(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Hash a picture as it is, turned and mirrored. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with media.mapped(descriptor) as data:
        forms, quality = turned_hashes(media.still(data, args["declared"]))
        return {"forms": forms, "quality": quality}, []


def trace(_args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """By what an edited copy is known. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with media.mapped(descriptor) as data:
        return asdict(media.trace(data)), []


def _rehearse() -> None:
    """Examine a small file of each kind, moving where it can, so that whatever loads late has loaded before files are
    out of reach. Nothing of HEIC's decoder does.
    """
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in sorted(DECODERS.keys() - {Kind.HEIC}):
        for more in ([], pictures[1:]) if kind in _MOVING else ([],):
            file = io.BytesIO()
            pictures[0].save(file, kind.value, exif=exif, save_all=bool(more), append_images=more)
            media.examine(file.getvalue(), kind.mime)
    pages = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(pages)
    media.examine(pages.getvalue(), Kind.PDF.mime)
    for kind, made in _RECORDINGS.items():
        media.examine(_recording(*made), kind.mime)


def _recording(container: str, picture: str, sound: str, samples: str) -> bytes:
    """One picture, where there is one, and a moment of sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as written:
        audio: Any = written.add_stream(sound, rate=_RATE, layout="mono")
        if picture:
            video: Any = written.add_stream(picture, rate=1)
            video.width = video.height = 16
            written.mux(video.encode(av.VideoFrame(16, 16)))
            written.mux(video.encode(None))
        silence = np.zeros((1, 1024), np.float32 if samples == "fltp" else np.int16)
        heard = av.AudioFrame.from_ndarray(silence, samples, "mono")
        heard.sample_rate = _RATE
        written.mux([*audio.encode(heard), *audio.encode(None)])
    return file.getvalue()


_rehearse()
JOBS: Final[Mapping[str, Job]] = {"examine": examine, "fingerprint": fingerprint, "trace": trace}
