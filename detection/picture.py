"""Reading pictures, those that move and those that do not. Runs in sandboxed workers only.

Rules
- Order: outline, size in pixels and number of frames, and only then pixels (invariant 12).
- Decoding is whole or an error: nothing is known of a file whose last frame does not decode.
- A file with several pictures (MPO: phones append previews, depth and gain maps) is its first picture. One whose
  pictures are shown one after another is an animation; a picture that only stands for it where nothing can move is no
  part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from detection.decoders import decoder_of, refusing
from detection.errors import CorruptMediaError
from detection.examination import Content
from detection.kinds import Kind
from detection.limits import MAX_ANIMATION_FRAMES, MAX_ANIMATION_PIXELS, MAX_PIXELS, MAX_SIDE, at_most
from detection.orientation import upright
from detection.outlines.outline import Bytes, Outline
from detection.pixels import normalised
from detection.timeline import Timeline


def read(data: Bytes, kind: Kind) -> Content:
    """Decode and fingerprint the whole file. Raises the subclasses of MediaError."""
    outline = measured(data, kind)
    timeline = Timeline(outline.frames)
    for picture, milliseconds in decode(data, kind, outline):
        timeline.show(normalised(picture), milliseconds)
    return timeline.content(decoder_of(kind).name)


def measured(data: Bytes, kind: Kind) -> Outline:
    """What the headers say, if it is within the limits. Raises the subclasses of MediaError."""
    outline = decoder_of(kind).outline(data)
    pixels = outline.width * outline.height
    if not pixels:
        raise CorruptMediaError(kind=kind, reason="it has no pixels")
    at_most("pixels on one side", MAX_SIDE, max(outline.width, outline.height))
    at_most("pixels", MAX_PIXELS, pixels)
    at_most("frames", MAX_ANIMATION_FRAMES, outline.frames)
    if outline.frames > 1:
        at_most("pixels in all frames", MAX_ANIMATION_PIXELS, pixels * outline.frames)
    return outline


def decode(data: Bytes, kind: Kind, outline: Outline) -> Iterator[tuple[Image.Image, int]]:
    """Each picture as it is seen, upright, and for how many milliseconds it is. The next one may overwrite it.

    Raises TruncatedMediaError, CorruptMediaError.
    """
    with refusing(kind):
        file = decoder_of(kind).open(data)
        first, frames = int(getattr(file, "default_image", False)), getattr(file, "n_frames", 1)
    if sorted(file.size) != sorted((outline.width, outline.height)) or frames != outline.frames:
        raise CorruptMediaError(kind=kind, reason="its headers disagree about its size")
    for index in range(first, frames):
        with refusing(kind):
            _load(file, index)
        yield upright(file, file.info.get("exif", b"")), round(file.info.get("duration", 0))


def _load(file: Image.Image, index: int) -> None:
    file.seek(index)
    file.load()
    if file.mode == "P" and file.palette is None:
        raise ValueError("a picture of palette colours without a palette")
