"""Examining a file of any accepted kind. Runs in sandboxed workers only.

Rules
- Order: bytes, format, declared type, and only then the reader of that format's medium (invariant 12).
- The reader is chosen by the sniffed format alone. It decodes the whole file or raises: no partial content
  leaves it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from PIL import Image

from detection import document, picture, recording
from detection.copies.fingerprint import LEAST_QUALITY
from detection.errors import EmptyMediaError, UnsupportedMediaError
from detection.examination import Content, Examination
from detection.fingerprint import turned_hashes
from detection.image_code import image_codes
from detection.kinds import MAGIC_BYTES, Kind, Medium, check_declared, sniff
from detection.limits import MAX_UPLOAD_BYTES, at_most
from detection.outlines.census import count
from detection.outlines.outline import Bytes
from detection.outlines.sound import FLAC_MARK, tag_bytes
from detection.pixels import normalised, pixel_hash
from detection.trace import Trace

Reader: TypeAlias = Callable[[Bytes, Kind], Content]
"""Decodes a whole file of that kind. Raises the subclasses of MediaError."""

READERS: Final[Mapping[Medium, Reader]] = {
    Medium.PICTURE: picture.read,
    Medium.DOCUMENT: document.read,
    Medium.RECORDING: recording.read,
}


@contextmanager
def mapped(descriptor: int) -> Iterator[mmap.mmap]:
    """The bytes behind a sealed descriptor, read-only and uncopied.

    Raises EmptyMediaError, MediaTooLargeError.
    """
    size = os.fstat(descriptor).st_size
    if size == 0:
        raise EmptyMediaError
    at_most("bytes", MAX_UPLOAD_BYTES, size)
    # Private, because kernels before 6.7 refuse a shared mapping of a write-sealed memfd.
    with mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as data:
        yield data


def examine(data: Bytes, declared: str | None) -> Examination:
    """Decode and fingerprint the whole file; `declared` is the media type its sender gave, or None.

    Raises the subclasses of MediaError.
    """
    kind = kind_of(data, declared)
    content = READERS[kind.medium](data, kind)
    return Examination(kind.mime, len(data), hashlib.sha256(data).hexdigest(), content)


def kind_of(data: Bytes, declared: str | None) -> Kind:
    """What a file is, before anything decodes it. Raises the subclasses of MediaError."""
    kind = sniff(data[:MAGIC_BYTES])
    if kind is Kind.MP3 and data[(start := tag_bytes(data)) : start + len(FLAC_MARK)] == FLAC_MARK:
        kind = Kind.FLAC
    check_declared(declared, kind)
    count(data)
    return kind


def trace(data: Bytes) -> Trace:
    """By what a file's edited copies, or what it is a copy of, are known. Raises the subclasses of MediaError."""
    kind = kind_of(data, None)
    if kind.medium is Medium.PICTURE and picture.measured(data, kind).frames == 1:
        return _of_still(still(data, None))
    content = READERS[kind.medium](data, kind)
    frames = tuple(frame.pdq for frame in content.frames if frame.quality >= LEAST_QUALITY)
    return Trace(content.content_hash, moves=True, pdq=frames)


def _of_still(normal: Image.Image) -> Trace:
    forms, quality = turned_hashes(normal)
    if quality < LEAST_QUALITY:
        return Trace(pixel_hash(normal), moves=False)
    return Trace(pixel_hash(normal), moves=False, pdq=forms, image_codes=image_codes(normal))


def still(data: Bytes, declared: str | None) -> Image.Image:
    """The one picture of a file, upright and in normal form. Raises the subclasses of MediaError."""
    kind = kind_of(data, declared)
    if kind.medium is not Medium.PICTURE:
        raise UnsupportedMediaError(kind=kind)
    outline = picture.measured(data, kind)
    if outline.frames != 1:
        raise UnsupportedMediaError(kind=f"a {kind} that moves")
    ((shown, _),) = picture.decode(data, kind, outline)
    return normalised(shown)
