"""One track of sound: its hash, and a hash for every stretch of time.

The hash is SHA-256 over what follows, one after the other:

- of a lossless codec its samples, channel by channel within each moment, little-endian: whole numbers as 32 bits whose
  highest bits are the sample's, floating point as it is;
- of a codec hashed as coded, for every packet the ASCII line `<bytes>` with its newline, then the packet; of Vorbis
  first, in the same way, its setup header, without which its packets mean nothing.

A window is SHA-256 over the samples, or over such lines and packets, that begin within it; time counts from the first.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Final

import numpy as np
from av import AudioFrame, AudioStream, Packet
from av.stream import Disposition

from detection.codecs import SOUNDS, Hashed
from detection.errors import CorruptMediaError
from detection.examination import WindowHash
from detection.kinds import Kind
from detection.limits import MAX_DURATION, MAX_SAMPLES, at_most
from detection.stretches import STRETCH, Windows, milliseconds

_SHIFTS: Final = {"u1": 24, "i2": 16, "i4": 0}
"""How far a sample moves to the top of 32 bits, by numpy's name of its type."""

Samples = np.ndarray[tuple[int, int], np.dtype[np.int32 | np.float32 | np.float64]]


class AudioTrack:
    """Takes the packets of one track, in the order of the file."""

    def __init__(self, stream: AudioStream, kind: Kind) -> None:
        self._kind, self._time_base = kind, stream.time_base or Fraction(1)
        self._hashed = SOUNDS[stream.codec_context.name]
        self._codec = stream.codec_context.codec.canonical_name
        self.on = bool(stream.disposition & Disposition.default)
        """Whether players choose it by themselves."""

        self._digest, self._windows = hashlib.sha256(), Windows()
        self._first_packet: int | None = None
        self._next = 0
        self._rate = self._channels = self.moments = 0
        """Samples a second, channels, and samples of each channel so far."""

        self._samples = ""
        if self._codec == "vorbis":
            self._digest.update(_line(setup := _vorbis_setup(stream.codec_context.extradata or b"", kind)))
            self._digest.update(setup)

    def take(self, packet: Packet[AudioStream]) -> None:
        """The next packet; an empty one ends the track. Raises CorruptMediaError, MediaTooLargeError, FFmpegError."""
        if packet.size and self._hashed is Hashed.CODED:
            self._add_packet(packet)
        for frame in packet.decode():
            self._hear(frame)

    @property
    def form(self) -> str:
        """The track in its normal form, one line."""
        what = f"samples {self._samples}" if self._hashed is Hashed.DECODED else f"packets {self._codec}"
        return f"sound {what} {self._rate} {self._channels} {self._digest.hexdigest()}"

    @property
    def empty(self) -> bool:
        """Whether there was no sample."""
        return not self.moments

    @property
    def duration(self) -> int:
        """Milliseconds."""
        return 1000 * self.moments // self._rate if self._rate else 0

    @property
    def windows(self) -> tuple[WindowHash, ...]:
        """How it sounds."""
        return self._windows.hashes()

    def _add_packet(self, packet: Packet[AudioStream]) -> None:
        pts = self._next if packet.pts is None else packet.pts
        self._next = pts + (packet.duration or 0)
        if self._first_packet is None:
            self._first_packet = pts
        at = milliseconds(pts - self._first_packet, self._time_base)
        if at < 0:
            raise CorruptMediaError(kind=self._kind, reason="its times run backwards")
        at_most("milliseconds", MAX_DURATION, at)
        pieces = _line(packet), memoryview(packet)
        for piece in pieces:
            self._digest.update(piece)
        self._windows.add(at // STRETCH, *pieces)

    def _hear(self, frame: AudioFrame) -> None:
        if not self.moments:
            self._rate, self._channels = frame.sample_rate, frame.layout.nb_channels
        if (frame.sample_rate, frame.layout.nb_channels) != (self._rate, self._channels):
            raise CorruptMediaError(kind=self._kind, reason="its sound changes its form in the middle")
        before = self.moments
        self.moments += frame.samples
        at_most("milliseconds", MAX_DURATION, self.duration)
        at_most("samples", MAX_SAMPLES, self.moments * self._channels)
        if self._hashed is Hashed.DECODED:
            self._add_samples(before, _normal(frame))

    def _add_samples(self, before: int, samples: Samples) -> None:
        self._samples = samples.dtype.str[1:]
        self._digest.update(samples.data)
        done = 0
        while done < len(samples):
            second, within = divmod(before + done, self._rate)
            end = min(len(samples), done + self._rate - within)
            self._windows.add(second, samples[done:end].data)
            done = end


def _line(packet: bytes | Packet[AudioStream]) -> bytes:
    return f"{len(memoryview(packet))}\n".encode()


def _vorbis_setup(headers: bytes, kind: Kind) -> bytes:
    """The last of the three headers, which FFmpeg keeps in Xiph lacing (Matroska codec mappings, `A_VORBIS`)."""
    at, before = 1, 0
    for _ in range(2):
        while headers[at : at + 1] == b"\xff":
            at, before = at + 1, before + 0xFF
        before += int.from_bytes(headers[at : at + 1])
        at += 1
    setup = headers[at + before :]
    if headers[:1] != b"\2" or not setup:
        raise CorruptMediaError(kind=kind, reason="a header is missing")
    return setup


def _normal(frame: AudioFrame) -> Samples:
    """One row for each moment, one column for each channel."""
    samples = frame.to_ndarray()
    rows = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    if rows.dtype.kind == "f":
        return np.ascontiguousarray(rows)
    shift = _SHIFTS[rows.dtype.str[1:]]
    whole = rows.astype(np.int32) - (128 if rows.dtype.kind == "u" else 0)
    return np.ascontiguousarray(whole << shift)
