"""Films as a phone records them: 1920x1080, thirty pictures a second, some seventeen million bits of them, with sound.

The photograph we ship, enlarged, with a sensor's noise, drifts for one second; that second is encoded once and then
repeated, packet by packet, until the file is as large as wanted.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Final

import av
import numpy as np
from PIL import Image

RATE: Final = 30
WIDTH: Final = 1920
HEIGHT: Final = 1080
BITS_PER_SECOND: Final = 17_000_000
SAMPLES_PER_SECOND: Final = 48_000
NOISE: Final = 4.0
_SEED: Final = 20260102
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Film:
    """An MP4 of at least so many megabytes."""

    name: str
    megabytes: int
    mime: str = "video/mp4"

    def content(self) -> bytes:
        """The MP4."""
        return _repeated(self.megabytes * MEGABYTE)


FIFTY_MEGABYTES: Final = Film("mp4", 50)
THREE_HUNDRED_MEGABYTES: Final = Film("mp4-large", 300)


@cache
def _second() -> bytes:
    """One second of it, which begins with a picture that needs no other."""
    with Image.open(io.BytesIO((files("api.cli") / "astronaut.jpg").read_bytes())) as original:
        still = np.asarray(original.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
    chance, file = np.random.default_rng(_SEED), io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        video: Any = film.add_stream("libx264", RATE, {"preset": "veryfast", "g": str(RATE), "bf": "0"})
        video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", BITS_PER_SECOND
        sound: Any = film.add_stream("aac", SAMPLES_PER_SECOND)
        sound.layout = "stereo"
        for at in range(RATE):
            noise = chance.normal(0, NOISE, (HEIGHT, WIDTH, 1)).astype(np.int16)
            pixels = (np.roll(still, 4 * at, axis=1) + noise).clip(0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, RATE)
            film.mux(video.encode(frame))
        samples = chance.integers(-8000, 8000, (1, 2 * SAMPLES_PER_SECOND)).astype(np.int16)
        heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        heard.sample_rate, heard.pts = SAMPLES_PER_SECOND, 0
        film.mux(sound.encode(heard))
        film.mux(video.encode(None))
        film.mux(sound.encode(None))
    return file.getvalue()


@cache
def _repeated(size: int) -> bytes:
    """That second again and again, each after the one before."""
    file, second = io.BytesIO(), av.open(io.BytesIO(_second()), "r")
    with second, av.open(file, "w", format="mp4") as film:
        tracks = [film.add_stream_from_template(stream) for stream in second.streams]
        packets = [packet for packet in second.demux() if packet.size]
        lengths = [
            sum(packet.duration or 0 for packet in packets if packet.stream.index == n) for n in range(len(tracks))
        ]
        times = [(packet, packet.stream.index, packet.pts or 0, packet.dts or 0) for packet in packets]
        while file.tell() < size:
            for packet, track, shown, decoded in times:
                packet.stream = tracks[track]
                packet.pts, packet.dts = shown, decoded
                film.mux(packet)
            times = [(packet, track, shown + lengths[track], at + lengths[track]) for packet, track, shown, at in times]
    return file.getvalue()
