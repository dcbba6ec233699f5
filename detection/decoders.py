"""Which decoder reads which kind of picture, and which walk goes before it. Runs in sandboxed workers only.

Rules
- The decoder is chosen by the sniffed format; Pillow's registry of sixty is never asked.
- What is an extra (HEIC) is read where it is installed, and refused by name elsewhere.
- Decoders keep no threads: the pool of workers is the parallelism.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Final

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)
from PIL import __version__ as pillow_version

from detection.errors import CorruptMediaError, MissingDecoderError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines import gif, heif, jpeg, png, tiff, webp
from detection.outlines.outline import Bytes, Outline

# The outline is held to tighter limits before Pillow sees the file; a second, looser guard would only
# confuse.
Image.MAX_IMAGE_PIXELS = None
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

DECODING_ERRORS: Final = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
"""What the decoders raise for damaged files; anything else is a defect and should show as one."""


@dataclass(frozen=True)
class Decoder:
    """What reads one kind of picture."""

    outline: Callable[[Bytes], Outline]
    opened: Callable[[io.BytesIO], Image.Image]
    library: str
    """The C library that does it, with its version; empty where Pillow itself does."""

    @property
    def name(self) -> str:
        """Who decodes, with versions: decoders may differ in the last bit."""
        return ", ".join(filter(None, (f"Pillow {pillow_version}", self.library)))

    def open(self, data: Bytes) -> Image.Image:
        """The file at its first picture. Raises DECODING_ERRORS."""
        return self.opened(io.BytesIO(data))


_ZLIB = f"zlib-ng {features.version('zlib_ng')}" if features.check("zlib_ng") else f"zlib {features.version('zlib')}"

DECODERS: Final[dict[Kind, Decoder]] = {
    Kind.JPEG: Decoder(
        jpeg.outline, JpegImagePlugin.JpegImageFile, f"libjpeg-turbo {features.version('libjpeg_turbo')}"
    ),
    Kind.PNG: Decoder(png.outline, PngImagePlugin.PngImageFile, _ZLIB),
    Kind.WEBP: Decoder(webp.outline, WebPImagePlugin.WebPImageFile, f"libwebp {features.version('webp')}"),
    Kind.GIF: Decoder(gif.outline, GifImagePlugin.GifImageFile, ""),
    Kind.AVIF: Decoder(
        partial(heif.outline, kind=Kind.AVIF), AvifImagePlugin.AvifImageFile, f"libavif {features.version('avif')}"
    ),
    Kind.TIFF: Decoder(tiff.outline, TiffImagePlugin.TiffImageFile, f"libtiff {features.version('libtiff')}"),
}
if find_spec("pillow_heif"):
    from detection import heic

    DECODERS[Kind.HEIC] = Decoder(partial(heif.outline, kind=Kind.HEIC), heic.opened, heic.LIBRARY)


def decoder_of(kind: Kind) -> Decoder:
    """The decoder of a kind of picture. Raises MissingDecoderError."""
    if kind not in DECODERS:
        raise MissingDecoderError(kind=kind, extra=kind.lower())
    return DECODERS[kind]


@contextmanager
def refusing(kind: Kind) -> Iterator[None]:
    """What a decoder raises for a damaged file, as the MediaError that it means.

    What it only warns of is odd metadata: the picture is there, and is judged by its pixels.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except DECODING_ERRORS as error:
        if "truncated" in str(error):
            raise TruncatedMediaError(kind=kind) from error
        raise CorruptMediaError(kind=kind, reason="it does not decode") from error
