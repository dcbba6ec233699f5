"""A small file of every kind that c2pa-rs writes a manifest into, by media type; the sounds and films play nothing.

Made without any decoder, so that these tests need none.
"""

from __future__ import annotations

import io
import struct
import wave
from types import MappingProxyType
from typing import Final

from PIL import Image

from tests.detection.documents import pdf


def picture(kind: str) -> bytes:
    """A grey one."""
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, kind)
    return file.getvalue()


def boxes(brand: bytes) -> bytes:
    """An ISO base media file: its brand, a header, and media data of a kilobyte."""
    header = struct.pack(">4x4xIII", 0, 1000, 0) + struct.pack(">IHHI", 0x10000, 0x100, 0, 0) + bytes(68) + b"\0\0\0\2"
    movie = box(b"moov", box(b"mvhd", bytes(4) + header[4:]))
    return box(b"ftyp", brand + bytes(4) + brand) + movie + box(b"mdat", bytes(1024))


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, name) + data


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    return file.getvalue()


def mp3() -> bytes:
    """Frames of MPEG-1 layer III, 128 kbit/s at 44.1 kHz: 417 bytes each, all of them silent."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * 20


def flac() -> bytes:
    """A header for one second of 44.1 kHz mono, 16 bits, and no frame."""
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + (44100 << 44 | 15 << 36 | 44100).to_bytes(8) + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3) + info


CARRIERS: Final = MappingProxyType(
    {
        "image/jpeg": picture("JPEG"),
        "image/png": picture("PNG"),
        "image/webp": picture("WEBP"),
        "image/gif": picture("GIF"),
        "image/tiff": picture("TIFF"),
        "image/avif": picture("AVIF"),
        "image/heic": boxes(b"heic"),
        "video/mp4": boxes(b"isom"),
        "video/quicktime": boxes(b"qt  "),
        "audio/mp4": boxes(b"M4A "),
        "audio/wav": wav(),
        "audio/mpeg": mp3(),
        "audio/flac": flac(),
        "application/pdf": pdf(),
    }
)
