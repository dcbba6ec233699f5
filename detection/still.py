"""Decoding JPEG, PNG and WebP with Pillow. Runs in sandboxed workers only.

Rules
- Order: outline, size in pixels, and only then pixels (invariant 12).
- Three decoders exist here and are chosen by the sniffed format; Pillow's registry of sixty is never asked.
- Decoding is whole or an error: no partial picture leaves this module.
- A file with several pictures (MPO: phones append previews, depth and gain maps) is its first picture.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin, features
from PIL import __version__ as pillow_version

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.examination import Content, NormalForm
from detection.fingerprint import frame_hash
from detection.kinds import Kind
from detection.limits import MAX_PIXELS, MAX_SIDE, at_most
from detection.outlines import jpeg, png, webp
from detection.outlines.outline import Bytes, Outline
from detection.pixels import normalised, pixel_hash

# The outline is held to tighter limits before Pillow sees the file; a second, looser guard would only
# confuse.
Image.MAX_IMAGE_PIXELS = None

_WALKS: Final[Mapping[Kind, Callable[[Bytes], Outline]]] = {
    Kind.JPEG: jpeg.outline,
    Kind.PNG: png.outline,
    Kind.WEBP: webp.outline,
}
_DECODERS: dict[Kind, type[ImageFile.ImageFile]] = {
    Kind.JPEG: JpegImagePlugin.JpegImageFile,
    Kind.PNG: PngImagePlugin.PngImageFile,
    Kind.WEBP: WebPImagePlugin.WebPImageFile,
}
_LIBRARIES = {
    Kind.JPEG: f"libjpeg-turbo {features.version('libjpeg_turbo')}",
    Kind.PNG: f"zlib-ng {features.version('zlib_ng')}"
    if features.check("zlib_ng")
    else f"zlib {features.version('zlib')}",
    Kind.WEBP: f"libwebp {features.version('webp')}",
}
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    zlib.error,
)
"""What Pillow's three decoders raise for damaged files; anything else is a defect and should show as one."""

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright: the EXIF orientation is applied."""

    image: Image.Image
    decoder: str
    """Who decoded it, with versions: decoders may differ in the last bit."""

    @property
    def width(self) -> int:
        """In pixels, as seen."""
        return self.image.width

    @property
    def height(self) -> int:
        """In pixels, as seen."""
        return self.image.height


def read(data: Bytes, kind: Kind) -> Content:
    """Decode and fingerprint the whole file. Raises the subclasses of MediaError."""
    picture = decode(data, kind)
    normal = normalised(picture.image)
    return Content(
        decoder=picture.decoder,
        content_hash=pixel_hash(normal),
        normal_form=NormalForm.PIXELS,
        width=picture.width,
        height=picture.height,
        frames=(frame_hash(normal),),
    )


def decode(data: Bytes, kind: Kind) -> Picture:
    """Decode the whole file. Raises the subclasses of MediaError."""
    stored = _WALKS[kind](data)
    if not stored.width or not stored.height:
        raise CorruptMediaError(kind=kind, reason="it has no pixels")
    at_most("pixels on one side", MAX_SIDE, max(stored.width, stored.height))
    at_most("pixels", MAX_PIXELS, stored.width * stored.height)
    image = _pixels(data, kind)
    if image.size != (stored.width, stored.height):
        raise CorruptMediaError(kind=kind, reason="its headers disagree about its size")
    return Picture(_upright(image), f"Pillow {pillow_version}, {_LIBRARIES[kind]}")


def _pixels(data: Bytes, kind: Kind) -> Image.Image:
    try:
        image = _DECODERS[kind](io.BytesIO(data))
        image.load()
        if image.mode == "P" and image.palette is None:
            raise ValueError("a picture of palette colours without a palette")
    except _DECODING_ERRORS as error:
        if "truncated" in str(error):
            raise TruncatedMediaError(kind=kind) from error
        raise CorruptMediaError(kind=kind, reason="it does not decode") from error
    return image


def _upright(image: Image.Image) -> Image.Image:
    orientation = _ORIENTATIONS.get(_orientation(image.info.get("exif", b"")))
    return image if orientation is None else image.transpose(orientation)


def _orientation(block: bytes) -> int:
    """The EXIF orientation, 1 when there is none that can be read: viewers then show the picture as
    stored.
    """
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(_ORIENTATION_TAG)
    except _DECODING_ERRORS:
        return 1
    return value if isinstance(value, int) else 1
