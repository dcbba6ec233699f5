"""HEIC, read by libheif and libde265 through pillow-heif (the extra `heic`). Runs in sandboxed workers only.

Rules
- libheif's own security limits stay on. Of a file only its primary picture is decoded: no thumbnail, depth or gain map.
- libheif turns, mirrors and crops as the file's properties say. EXIF may repeat the turn and never adds one
  (ISO/IEC 23008-12, annex A), so it is dropped.
- Deep colour comes out as 8 bits a channel, deep grey as 16.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image
from pillow_heif import HeifFile, __version__, libheif_info, options

options.DECODE_THREADS = 1
options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False

_VERSIONS: Final = libheif_info()
LIBRARY: Final = ", ".join(
    (
        f"pillow-heif {__version__}",
        f"libheif {_VERSIONS['libheif']}",
        _VERSIONS["decoders"]["libde265"].replace("HEVC decoder, version ", ""),
    )
)
"""Who decodes, with versions."""


def opened(file: io.BytesIO) -> Image.Image:
    """The primary picture, decoded and upright. Raises OSError, RuntimeError, SyntaxError, ValueError, EOFError."""
    picture: Image.Image = HeifFile(file).to_pillow()
    picture.info.pop("exif", None)
    return picture
