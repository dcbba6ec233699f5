"""The outlines of WAV, FLAC and MP3 files: whether they are whole, as far as they say how long they are.

WAV: RIFF chunks (Multimedia Programming Interface and Data Specifications 1.0). FLAC: metadata blocks (RFC 9639,
section 8). MP3: the tag before it (ID3v2.4, section 3.1), and in the first frame what an encoder may say of the length
(`Xing`, `Info`); where it says nothing, no end can be told from a cut.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from detection.errors import CorruptMediaError, TruncatedMediaError
from detection.kinds import Kind
from detection.outlines.outline import Bytes, Meter

_SOUND: Final = frozenset({b"fmt ", b"data", b"C2PA"})
_ONCE: Final = frozenset({b"fmt ", b"data"})
_STREAM_INFORMATION: Final = 0
FLAC_MARK: Final = b"fLaC"
_LAST: Final = 0x80
_FIRST_FRAME: Final = 64
"""Bytes of it within which the length stands."""

_LENGTH: Final = re.compile(rb"(?:Xing|Info)(.{4})(.{8})", re.DOTALL)
_FRAMES_SAID, _BYTES_SAID = 1, 2


def wav(data: Bytes) -> None:
    """Walk all chunks. Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError."""
    meter, position, names = Meter(), 12, set[bytes]()
    if len(data) < position or 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise TruncatedMediaError(kind=Kind.WAV)
    whole = 8 + int.from_bytes(data[4:8], "little")
    while position + 8 <= len(data):  # beyond its end, too: FFmpeg goes on, and takes the last sound that it comes by
        name, length = struct.unpack_from("<4sI", data, position)
        if position < whole < position + 8 + length:
            raise TruncatedMediaError(kind=Kind.WAV)
        if name in names & _ONCE:
            raise CorruptMediaError(kind=Kind.WAV, reason="it has two sounds")
        meter.count(0 if name in _SOUND else min(length, len(data) - position))
        names.add(name)
        position += 8 + length + length % 2
    if not names >= _ONCE:
        raise CorruptMediaError(kind=Kind.WAV, reason="it has no sound")


def flac(data: Bytes) -> int:
    """Walk all metadata; the samples of each channel, 0 where the file does not say.

    Raises TruncatedMediaError, CorruptMediaError, MediaTooLargeError.
    """
    start = tag_bytes(data)
    meter, position, last, samples = Meter(), start + 4, False, 0
    while not last:
        if position + 4 > len(data):
            raise TruncatedMediaError(kind=Kind.FLAC)
        last, name, length = bool(data[position] & _LAST), data[position] & ~_LAST, _number(data, position + 1, 3)
        if position + 4 + length > len(data):
            raise TruncatedMediaError(kind=Kind.FLAC)
        if position == start + 4:
            if name != _STREAM_INFORMATION or length != 34:
                raise CorruptMediaError(kind=Kind.FLAC, reason="it has no header")
            samples = _number(data, position + 17, 5) & (1 << 36) - 1
        meter.count(length)
        position += 4 + length
    return samples


def mp3(data: Bytes) -> None:
    """Look over the tag and the first frame. Raises TruncatedMediaError."""
    start = tag_bytes(data)
    found = _LENGTH.search(data[start : start + _FIRST_FRAME])
    flags = int.from_bytes(found[1]) if found else 0
    said = int.from_bytes(found[2][4 if flags & _FRAMES_SAID else 0 :][:4]) if found and flags & _BYTES_SAID else 0
    if len(data) <= start or len(data) < start + said:
        raise TruncatedMediaError(kind=Kind.MP3)


def tag_bytes(data: Bytes) -> int:
    """How long the ID3 tag is that a file begins with; c2pa puts its manifest into one, before FLAC too."""
    if data[:3] != b"ID3":
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))


def _number(data: Bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length])
