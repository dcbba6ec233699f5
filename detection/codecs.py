"""The codecs that may be decoded here, and which of them every decoder decodes alike.

FFmpeg knows five hundred; one that is not named here is refused by name and never opened. A codec whose standard fixes
every bit of the outcome is hashed as decoded, so that a lossless re-encoding keeps the hash; of the others two decoders
differ in the last bit, so they are hashed as coded (ADR 0007).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Hashed(StrEnum):
    """What of a track goes into its hash."""

    DECODED = "decoded"
    """Pictures or samples."""

    CODED = "coded"
    """The packets, as the container holds them."""


PICTURES: Final[Mapping[str, Hashed]] = {
    "h264": Hashed.DECODED,  # ITU-T H.264, section 8: "exact"
    "hevc": Hashed.DECODED,  # ITU-T H.265, section 8
    "vp8": Hashed.DECODED,  # RFC 6386, section 1: "exactly"
    "vp9": Hashed.DECODED,
    "libdav1d": Hashed.DECODED,  # AV1, section 7
    "mpeg4": Hashed.CODED,
    "mjpeg": Hashed.CODED,
    "prores": Hashed.CODED,
}
SOUNDS: Final[Mapping[str, Hashed]] = {
    **dict.fromkeys(
        (
            *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
            *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "alac", "flac"),
        ),
        Hashed.DECODED,
    ),
    **dict.fromkeys(("aac", "mp3float", "opus", "vorbis", "ac3", "eac3"), Hashed.CODED),
}
"""By the names that FFmpeg gives its decoders."""
