"""Which format a file is in, told from its first bytes and never from its name.

Formats that are known but not accepted are named too, so that the refusal can say which one it met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from detection.errors import (
    EmptyMediaError,
    MislabelledMediaError,
    UnrecognisedMediaError,
    UnsupportedMediaError,
)

MAGIC_BYTES = 64
"""How much of a file's beginning tells its format."""


class Medium(StrEnum):
    """What a file is made of, and so what reads it."""

    PICTURE = "picture"
    DOCUMENT = "document"
    RECORDING = "recording"
    """Pictures or sound over time."""


class Kind(StrEnum):
    """The accepted formats, by the name people use."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    GIF = "GIF"
    PDF = "PDF"
    TIFF = "TIFF"
    AVIF = "AVIF"
    HEIC = "HEIC"
    MP4 = "MP4"
    MOV = "MOV"
    M4A = "M4A"
    WAV = "WAV"
    MP3 = "MP3"
    FLAC = "FLAC"
    WEBM = "WebM"
    OGG = "Ogg"

    @property
    def mime(self) -> str:
        """The media type under which it is signed and served."""
        return _TYPES[self][0]

    @property
    def medium(self) -> Medium:
        """What it is made of."""
        return _TYPES[self][1]


_TYPES: Final[Mapping[Kind, tuple[str, Medium]]] = {
    Kind.JPEG: ("image/jpeg", Medium.PICTURE),
    Kind.PNG: ("image/png", Medium.PICTURE),
    Kind.WEBP: ("image/webp", Medium.PICTURE),
    Kind.GIF: ("image/gif", Medium.PICTURE),
    Kind.PDF: ("application/pdf", Medium.DOCUMENT),
    Kind.TIFF: ("image/tiff", Medium.PICTURE),
    Kind.AVIF: ("image/avif", Medium.PICTURE),
    Kind.HEIC: ("image/heic", Medium.PICTURE),
    Kind.MP4: ("video/mp4", Medium.RECORDING),
    Kind.MOV: ("video/quicktime", Medium.RECORDING),
    Kind.M4A: ("audio/mp4", Medium.RECORDING),
    Kind.WAV: ("audio/wav", Medium.RECORDING),
    Kind.MP3: ("audio/mpeg", Medium.RECORDING),
    Kind.FLAC: ("audio/flac", Medium.RECORDING),
    Kind.WEBM: ("video/webm", Medium.RECORDING),
    Kind.OGG: ("audio/ogg", Medium.RECORDING),
}
MIMES: Final = tuple(kind.mime for kind in Kind)


@dataclass(frozen=True)
class Magic:
    """Bytes at an offset, and the format they mean."""

    name: str
    signature: bytes
    offset: int = 0
    also: bytes = b""
    """A second signature at byte 8, or nothing."""


MAGICS = (
    Magic(Kind.JPEG, b"\xff\xd8\xff"),
    Magic(Kind.PNG, b"\x89PNG\r\n\x1a\n"),
    Magic(Kind.WEBP, b"RIFF", also=b"WEBP"),
    Magic("AVI", b"RIFF", also=b"AVI "),
    Magic(Kind.WAV, b"RIFF", also=b"WAVE"),
    Magic(Kind.GIF, b"GIF87a"),
    Magic(Kind.GIF, b"GIF89a"),
    *(Magic(Kind.TIFF, head) for head in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")),
    Magic("BMP", b"BM"),
    Magic("Photoshop", b"8BPS"),
    Magic("JPEG XL", b"\xff\x0a"),
    Magic("JPEG XL", b"\x00\x00\x00\x0cJXL "),
    Magic("JPEG 2000", b"\x00\x00\x00\x0cjP  "),
    *(Magic(Kind.HEIC, b"ftyp" + brand, 4) for brand in (b"heic", b"heix", b"heim", b"heis")),
    *(Magic("moving HEIC", b"ftyp" + brand, 4) for brand in (b"hevc", b"hevx", b"msf1")),
    Magic("HEIF", b"ftypmif1", 4),
    *(Magic(Kind.AVIF, b"ftyp" + brand, 4) for brand in (b"avif", b"avis")),
    Magic(Kind.MOV, b"ftypqt  ", 4),
    Magic(Kind.M4A, b"ftypM4A ", 4),
    Magic(Kind.PDF, b"%PDF-"),
    Magic(Kind.MP4, b"ftyp", 4),
    Magic(Kind.MP3, b"ID3"),
    # A frame of layer III in MPEG 1, 2 and 2.5, with and without a checksum.
    *(Magic(Kind.MP3, bytes((0xFF, second))) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    Magic(Kind.FLAC, b"fLaC"),
    Magic(Kind.OGG, b"OggS"),
    Magic(Kind.WEBM, b"\x1aE\xdf\xa3"),
    Magic("ZIP", b"PK\x03\x04"),
    Magic("SVG", b"<svg"),
    Magic("XML", b"<?xml"),
)
"""In order: the first that fits counts."""

ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "application/x-pdf": "application/pdf",
    "video/x-m4v": "video/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-flac": "audio/flac",
    "audio/webm": "video/webm",
    "application/ogg": "audio/ogg",
    "audio/opus": "audio/ogg",
    "audio/vorbis": "audio/ogg",
}
HEIF_CODECS = {b"avif": Kind.AVIF, b"heic": Kind.HEIC, b"heix": Kind.HEIC}
"""What a HEIF file of no one codec is, by the first of its compatible brands that says so (ISO/IEC 14496-12, 4.3)."""

MATROSKA = b"B\x82\x88matroska"
"""Its document type (RFC 9559, section 5.1.1), anywhere in a file's header: WebM begins with the same bytes."""

SAME_CONTAINER = frozenset({"video/mp4", "audio/mp4"})
"""Whether there are pictures in it is not told by its first bytes."""

UNDECLARED = frozenset({"", "application/octet-stream"})
"""What clients send when they do not know."""


def sniff(head: bytes) -> Kind:
    """The format of a file that begins with `head`, MAGIC_BYTES long or the whole file.

    Raises EmptyMediaError, UnrecognisedMediaError, UnsupportedMediaError.
    """
    if not head:
        raise EmptyMediaError
    name = next((magic.name for magic in MAGICS if _fits(magic, head)), None)
    if name is None:
        raise UnrecognisedMediaError
    if name == Kind.WEBM and MATROSKA in head:
        raise UnsupportedMediaError(kind="Matroska")
    try:
        return _codec(head) if name == "HEIF" else Kind(name)
    except ValueError:
        raise UnsupportedMediaError(kind=name) from None


def check_declared(declared: str | None, kind: Kind) -> None:
    """Hold a declared media type, parameters and all, against the bytes. Raises MislabelledMediaError."""
    plain = (declared or "").partition(";")[0].strip().lower()
    named = {ALIASES.get(plain, plain), kind.mime}
    if plain not in UNDECLARED and len(named) > 1 and named != SAME_CONTAINER:
        raise MislabelledMediaError(declared=plain, actual=kind.mime)


def _codec(head: bytes) -> Kind:
    """Raises ValueError where no brand tells it."""
    brands = (head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4]), len(head)), 4))
    return Kind(next((HEIF_CODECS[brand] for brand in brands if brand in HEIF_CODECS), "HEIF"))


def _fits(magic: Magic, head: bytes) -> bool:
    return head.startswith(magic.signature, magic.offset) and head.startswith(magic.also, 8 if magic.also else 0)
