"""Films and sounds, made anew from drawn pictures and tones."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.int16]

RATE = 8000
"""Samples a second."""

PICTURES_PER_SECOND = 10


@dataclass(frozen=True)
class Film:
    """What to write. A codec that is empty leaves its track out."""

    container: str = "mp4"
    video: str = "libx264"
    audio: str = "aac"
    pixels: str = "yuv420p"
    width: int = 64
    height: int = 48
    pictures: int = 25
    rate: int = PICTURES_PER_SECOND
    options: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    cover: bool = False
    """Whether a cover picture goes with it."""


def frames(film: Film) -> list[av.VideoFrame]:
    """A pattern that drifts, in the film's format of pixels."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (-(-film.height // 8), -(-film.width // 8), 3), np.uint8)
    pattern = np.kron(coarse, np.ones((8, 8, 1), np.uint8))[: film.height, : film.width]
    made = []
    for at in range(film.pictures):
        drawn = np.ascontiguousarray(np.roll(pattern, 2 * at, axis=1))
        frame = av.VideoFrame.from_ndarray(drawn, format="rgb24").reformat(format=film.pixels, threads=1)
        frame.pts, frame.time_base = at, Fraction(1, film.rate)
        made.append(frame)
    return made


def seen(frame: av.VideoFrame) -> Image.Image:
    """The frame as a picture."""
    # With more threads swscale writes another picture once in a while.
    return Image.fromarray(frame.reformat(format="rgb24", threads=1).to_ndarray())


def tone(seconds: float, channels: int = 2, rate: int = RATE, seed: int = 5) -> Samples:
    """Noise of 16 bits, a row for each moment: no two windows of it are alike."""
    rng = np.random.default_rng(seed)
    return rng.integers(-20_000, 20_000, (int(seconds * rate), channels)).astype(np.int16)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Run as by root, SVT-AV1 takes its caller before everything else on the machine, and for good (SCHED_FIFO)."""
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@_in_turn()
def write(film: Film, samples: Samples | None = None) -> bytes:
    """The film as a file, as long as its pictures unless `samples` are given."""
    file = io.BytesIO()
    with av.open(file, "w", format=film.container, options=film.muxer) as container:
        streams: list[Any] = []
        if film.video:
            video: Any = container.add_stream(film.video, rate=film.rate, options=film.options)
            video.width, video.height, video.pix_fmt = film.width, film.height, film.pixels
            video.codec_context.thread_count = 1
            streams.append(video)
        if film.audio:
            samples = tone(film.pictures / film.rate) if samples is None else samples
            layout = "mono" if samples.shape[1] == 1 else "stereo"
            audio: Any = container.add_stream(
                film.audio,
                rate=RATE,
                layout=layout,
                options={"strict": "experimental"},  # FFmpeg's own Vorbis
            )
            streams.append(audio)
        if film.cover:
            cover: Any = container.add_stream("png", rate=1)
            cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
            cover.disposition = av.stream.Disposition.attached_pic
            for packet in cover.encode(av.VideoFrame(16, 16, "rgb24")):
                container.mux(packet)
        if film.video:
            for picture in frames(film):
                container.mux(video.encode(picture))
        if film.audio and samples is not None:
            for frame in _sound(samples, audio):
                container.mux(audio.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return file.getvalue()


def sound(container: str, codec: str, samples: Samples, **options: str) -> bytes:
    """A sound file of those samples."""
    return write(Film(container, video="", audio=codec, muxer=options), samples)


def remuxed(file: bytes, container: str, read_as: str = "mov", **options: str) -> bytes:
    """The same packets in another container."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(file), "r", format=read_as) as source,
        av.open(out, "w", format=container, options=options) as sink,
    ):
        copies = {stream.index: sink.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
    return out.getvalue()


def subtitled(file: bytes) -> bytes:
    """The same WebM file with a track of text."""
    out, text = io.BytesIO(), b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"
    with (
        av.open(io.BytesIO(file), "r", format="matroska") as source,
        av.open(io.BytesIO(text), "r", format="webvtt") as words,
        av.open(out, "w", format="webm") as sink,
    ):
        copies = {stream.index: sink.add_stream_from_template(stream) for stream in source.streams}
        beside = sink.add_stream_from_template(words.streams[0])
        packets = [(packet, copies[packet.stream.index]) for packet in source.demux() if packet.dts is not None]
        packets += [(packet, beside) for packet in words.demux() if packet.dts is not None]
        for packet, track in packets:
            packet.stream = track
            sink.mux(packet)
    return out.getvalue()


def turned(file: bytes, degrees: int) -> bytes:
    """An MP4 file whose first track says that its pictures are to be turned, clockwise (ISO/IEC 14496-12, 8.3.2)."""
    a, b, c, d = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    at = file.index(b"tkhd") + 4 + 40
    return file[:at] + matrix + file[at + len(matrix) :]


def patched(file: bytes, path: Sequence[bytes], change: Callable[[bytes], bytes]) -> bytes:
    """An MP4 file, its index last, with the content changed of the box at that path: the first of each name."""
    at = 0
    while (size := int.from_bytes(file[at : at + 4])) and file[at + 4 : at + 8] != path[0]:
        at += size
    content = file[at + 8 : at + size]
    content = patched(content, path[1:], change) if path[1:] else change(content)
    return b"".join((file[:at], struct.pack(">I4s", 8 + len(content), path[0]), content, file[at + size :]))


def _sound(samples: Samples, stream: Any) -> list[av.AudioFrame]:
    context = stream.codec_context
    context.open(strict=False)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", context.layout.name)
    frame.sample_rate, frame.pts = RATE, 0
    resampler = av.AudioResampler(context.format, context.layout, RATE, frame_size=context.frame_size or len(samples))
    return [*resampler.resample(frame), *resampler.resample(None)]
