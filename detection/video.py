"""One track of pictures: its hash, and the look of a frame in every stretch of time.

The hash is SHA-256 over the frames in the order in which they are shown, or where the codec is hashed as coded, over
the packets in the order of the track. Before each stands an ASCII line:

- frame: `<format> <width>x<height>` and a newline, then its planes without padding;
- packet: `<bytes>` and a newline, then the packet.

The format is FFmpeg's name of how pixels lie in memory (`yuv420p`, `yuv420p10le`), where the old `yuvj` counts as
`yuv`: the range of the colours is not part of the form. Nor are times, which change a little whenever a film is cut
into fragments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Generic

import numpy as np
from av import Packet, VideoFrame, VideoStream
from PIL import Image

from detection.codecs import PICTURES, Hashed
from detection.errors import CorruptMediaError
from detection.kinds import Kind
from detection.limits import MAX_DURATION, MAX_FILM_PIXELS, MAX_FRAME_PIXELS, MAX_SIDE, at_most
from detection.stretches import Look, Looks, milliseconds

_TURNS: Final = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
"""By degrees clockwise."""


@dataclass(frozen=True)
class Looking(Generic[Look]):
    """What is made of the first frame of each stretch."""

    look: Callable[[Image.Image, int], Look]
    """Of the frame as seen, so many milliseconds in."""

    side: int
    """Pixels on its longer side, at most."""

    most: int
    """Stretches, at most."""


class VideoTrack(Generic[Look]):
    """Takes the packets of one track, in the order of the file."""

    def __init__(self, stream: VideoStream, kind: Kind, looking: Looking[Look]) -> None:
        """Raises MediaTooLargeError for what the headers say."""
        self._kind, self._time_base, self._looking = kind, stream.time_base or Fraction(1), looking
        self._hashed = PICTURES[stream.codec_context.name]
        self._codec = stream.codec_context.codec.canonical_name
        self._digest, self._looks = hashlib.sha256(), Looks[Look](looking.most)
        self._first: int | None = None
        """When the first frame is shown, in units of the time base."""

        self._pixels = 0
        self.width = self.height = self.turned = self.duration = 0
        """Pixels as seen; degrees clockwise that the pictures are turned by; milliseconds."""
        self._check_size(stream.width, stream.height)
        at_most("pixels in all its frames", MAX_FILM_PIXELS, stream.frames * stream.width * stream.height)

    def take(self, packet: Packet[VideoStream]) -> None:
        """The next packet; an empty one ends the track. Raises CorruptMediaError, MediaTooLargeError, FFmpegError."""
        if packet.size and self._hashed is Hashed.CODED:
            self._digest.update(f"{packet.size}\n".encode())
            self._digest.update(packet)
        for frame in packet.decode():
            self._see(frame)

    @property
    def form(self) -> str:
        """The track in its normal form, one line."""
        what = "frames" if self._hashed is Hashed.DECODED else f"packets {self._codec}"
        return f"picture {what} turned {self.turned} {self._digest.hexdigest()}"

    @property
    def empty(self) -> bool:
        """Whether there was no frame."""
        return self._first is None

    @property
    def frames(self) -> tuple[Look, ...]:
        """What was made of its frames."""
        return self._looks.frames()

    def _see(self, frame: VideoFrame) -> None:
        self._check_size(frame.width, frame.height)
        self._pixels += frame.width * frame.height
        at_most("pixels in all its frames", MAX_FILM_PIXELS, self._pixels)
        if frame.is_corrupt:
            raise CorruptMediaError(kind=self._kind, reason="a frame does not decode")
        if frame.pts is None:
            raise CorruptMediaError(kind=self._kind, reason="a frame has no time")
        if self._first is None:
            self._begin(frame, frame.pts)
        at = self._at(frame.pts)
        self.duration = max(self.duration, self._at(frame.pts + frame.duration))
        at_most("milliseconds", MAX_DURATION, self.duration)
        if self._hashed is Hashed.DECODED:
            layout = frame.format.name.replace("yuvj", "yuv")
            self._digest.update(f"{layout} {frame.width}x{frame.height}\n".encode())
            for index, plane in enumerate(frame.planes):
                self._digest.update(_rows(frame, plane, index))
        self._looks.see(at, lambda: self._looking.look(self._shown(frame), at))

    def _begin(self, frame: VideoFrame, pts: int) -> None:
        self._first = pts
        self.turned = -frame.rotation % 360
        sides = (frame.width, frame.height)
        self.width, self.height = sides if self.turned % 180 == 0 else sides[::-1]

    def _at(self, pts: int) -> int:
        """Milliseconds from the first frame."""
        at = milliseconds(pts - (self._first or 0), self._time_base)
        if at < 0:
            raise CorruptMediaError(kind=self._kind, reason="its times run backwards")
        return at

    def _check_size(self, width: int, height: int) -> None:
        at_most("pixels on one side", MAX_SIDE, max(width, height))
        at_most("pixels in a frame", MAX_FRAME_PIXELS, width * height)

    def _shown(self, frame: VideoFrame) -> Image.Image:
        """The frame as seen, shrunk."""
        scale = max(1, max(frame.width, frame.height) / self._looking.side)
        width, height = (max(1, round(side / scale)) for side in (frame.width, frame.height))
        small = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1)
        image = Image.fromarray(small.to_ndarray())
        return image.transpose(_TURNS[self.turned]) if self.turned in _TURNS else image


def _rows(frame: VideoFrame, plane: Any, index: int) -> memoryview:
    """The bytes of a plane without padding; copied only where there is some."""
    each = sum((part.bits + 7) // 8 for part in frame.format.components if part.plane == index)
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, abs(plane.line_size))
    return np.ascontiguousarray(rows[:, : plane.width * each]).data
