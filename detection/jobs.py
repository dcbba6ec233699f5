"""The job module of this package: `examine`. Only workers import it; it loads decoders.

`examine`: {"declared": media type or null} and the file's descriptor →
`detection.examination.Examination`. It raises the `MediaError` that says why a file is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import av
import numpy as np
import pikepdf
from PIL import Image

from detection import media
from detection.examination import to_result
from detection.kinds import Kind, Medium
from detection.worker import Ask, Job

_MOVING: Final = frozenset({Kind.PNG, Kind.WEBP, Kind.GIF, Kind.AVIF})


def examine(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Decode a file and fingerprint it. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with media.mapped(descriptor) as data:
        return to_result(media.examine(data, args["declared"])), []


def _rehearse() -> None:
    """Examine a small file of each kind, moving where it can, so that whatever loads late has loaded before files are
    out of reach.
    """
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in (kind for kind in Kind if kind.medium is Medium.PICTURE):
        for more in ([], pictures[1:]) if kind in _MOVING else ([],):
            file = io.BytesIO()
            pictures[0].save(file, kind.value, exif=exif, save_all=bool(more), append_images=more)
            media.examine(file.getvalue(), kind.mime)
    pages = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(pages)
    media.examine(pages.getvalue(), Kind.PDF.mime)
    media.examine(_film(), Kind.MP4.mime)


def _film() -> bytes:
    """One picture and a moment of sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        video, audio = container.add_stream("mpeg4", rate=1), container.add_stream("aac", rate=8000, layout="mono")
        video.width = video.height = 16
        container.mux(video.encode(av.VideoFrame(16, 16)))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return file.getvalue()


_rehearse()
JOBS: Final[Mapping[str, Job]] = {"examine": examine}
