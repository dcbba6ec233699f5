"""Drawn pictures and files of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image
from pillow_heif import HeifFile

from detection.kinds import MAGIC_BYTES, sniff
from detection.picture import decode, measured

MODES = ("1", "L", "P", "RGB", "LA", "RGBA", "I;16", "CMYK")


def draw(mode: str = "RGB", width: int = 61, height: int = 43, seed: int = 1) -> Image.Image:
    """A smooth, unsymmetrical picture; with alpha, some of it invisible."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    if mode in {"LA", "RGBA"}:
        picture = picture.convert(mode)
        ramp = Image.linear_gradient("L").resize((width, height)).point(lambda a: 0 if a < 40 else a)
        picture.putalpha(ramp)
        return picture
    return picture.quantize(16) if mode == "P" else picture.convert(mode)


def save(picture: Image.Image, form: str, **options: object) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def heic(*pictures: Image.Image, **options: object) -> bytes:
    """HEIC of pictures, the first of them primary."""
    container, file = HeifFile(), io.BytesIO()
    for picture in pictures:
        container.add_from_pillow(picture)
    container.save(file, **{"quality": 60, "primary_index": 0, **options})
    return file.getvalue()


def phones_index(file: bytes) -> bytes:
    """A tiled HEIC file with its index as phones write it: libheif gives offsets in two parts, which c2pa-rs mixes up.
    Nothing else moves: what is left of the index is a free box.
    """
    start = file.index(b"iloc") + 4
    (count,) = struct.unpack_from(">H", file, start + 6)
    end = start + 8 + 20 * count
    items = (struct.unpack_from(">HHHIHII", file, at) for at in range(start + 8, end, 20))
    made = b"".join(struct.pack(">HHHHII", *item[:3], 1, item[3] + item[5], item[6]) for item in items)
    index = struct.pack(">I4sIHH", 16 + len(made), b"iloc", 1 << 24, 0x4400, count) + made
    free = struct.pack(">I4s", 4 * count, b"free") + bytes(4 * count - 8)
    return file[: start - 8] + index + free + file[end:]


def animated(pictures: list[Image.Image], durations: list[int], form: str, **options: object) -> bytes:
    """Pictures shown one after another, for so many milliseconds each."""
    return save(pictures[0], form, save_all=True, append_images=pictures[1:], duration=durations, **options)


def decoded(file: bytes) -> Image.Image:
    """The first picture in the file, as it is seen."""
    kind = sniff(file[:MAGIC_BYTES])
    return next(decode(file, kind, measured(file, kind)))[0]


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*chunks: bytes, width: int = 1, height: int = 1, colour: int = 0) -> bytes:
    """A PNG of 8-bit grey, or another colour type, with these chunks after its header."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks)


_MOVING = [draw(seed=seed) for seed in range(3)]
_TIMES = [100, 250, 40]

SAMPLES = {
    "jpeg": save(draw(), "JPEG"),
    "progressive jpeg": save(draw(), "JPEG", progressive=True),
    "restarting jpeg": save(draw(), "JPEG", restart_marker_rows=1),
    "png": save(draw(), "PNG"),
    "moving png": animated(_MOVING, _TIMES, "PNG"),
    "webp": save(draw(), "WEBP"),
    "lossless webp": save(draw("RGBA"), "WEBP", lossless=True),
    "moving webp": animated(_MOVING, _TIMES, "WEBP"),
    "gif": save(draw("P"), "GIF"),
    "tiff": save(draw(), "TIFF"),
    "packed tiff": save(draw("RGBA"), "TIFF", compression="tiff_lzw"),
    "big tiff": save(draw(), "TIFF", big_tiff=True),
    "printed tiff": save(draw("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
    "avif": save(draw(), "AVIF"),
    "clear avif": save(draw("RGBA"), "AVIF"),
    "moving avif": animated(_MOVING, _TIMES, "AVIF"),
    "heic": heic(draw()),
    "clear heic": heic(draw("RGBA")),
    "tiled heic": phones_index(heic(draw(width=122, height=86), tile_size=64)),
    "moving gif": animated(_MOVING, _TIMES, "GIF"),
}
"""A file of each kind and way of writing it."""
