"""What is seen, and for how long: the content hash of pictures that move, normal form `sigillo/frames/v1`.

Two animations that show the same pictures for the same times have the same hash, whatever their format, and however
a frame was stored: whole, as what changed, or as another showing of the one before. The form:

1. The frames as they are composed, each in the normal form of pictures (`detection.pixels`), and for how many whole
   milliseconds it is shown (rounded, a half to the even number; 0 where the file says nothing).
2. Frames that follow each other and are the same are one, their times added.
3. SHA-256 over the ASCII line `sigillo/frames/v1` and, for each frame, the line `<milliseconds> <hash>`, each line with
   its newline; the hash is that of the frame as a picture, in hex.

What shows a single picture in the end is that picture, and has its hash. How often an animation repeats is no part of
the form.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from PIL import Image

from detection.examination import Content, FrameHash, NormalForm
from detection.fingerprint import frame_hash
from detection.image_code import image_code
from detection.limits import MAX_DURATION, MAX_FRAMES, at_most
from detection.pixels import pixel_hash


@dataclass(frozen=True)
class Shown:
    """One picture, and for how many milliseconds it is seen."""

    sha256: str
    milliseconds: int


class Timeline:
    """The pictures of one file as they are shown, one after another."""

    def __init__(self, frames: int) -> None:
        """For at most so many pictures: every picture, or every second, third … has its look hashed."""
        self._every = -(-frames // MAX_FRAMES)
        self._shown: list[Shown] = []
        self._frames: list[FrameHash] = []
        self._image_code = ""
        """Of the first."""

        self._size: tuple[int, int] = (0, 0)
        self._duration = 0

    def show(self, picture: Image.Image, milliseconds: int) -> None:
        """Show a picture in its normal form. Raises MediaTooLargeError."""
        sha256 = pixel_hash(picture)
        if self._shown and self._shown[-1].sha256 == sha256:
            last = self._shown[-1]
            self._shown[-1] = replace(last, milliseconds=last.milliseconds + milliseconds)
        else:
            if len(self._shown) % self._every == 0:
                self._frames.append(frame_hash(picture, self._duration))
            self._image_code = self._image_code or image_code(picture)
            self._shown.append(Shown(sha256, milliseconds))
            self._size = picture.size
        self._duration += milliseconds
        at_most("milliseconds", MAX_DURATION, self._duration)

    def content(self, decoder: str) -> Content:
        """What was shown."""
        moves = len(self._shown) > 1
        width, height = self._size
        return Content(
            decoder=decoder,
            content_hash=frames_hash(self._shown) if moves else self._shown[0].sha256,
            normal_form=NormalForm.FRAMES if moves else NormalForm.PIXELS,
            width=width,
            height=height,
            duration=self._duration if moves else None,
            image_code=None if moves else self._image_code,
            frames=tuple(self._frames),
        )


def frames_hash(shown: list[Shown]) -> str:
    """SHA-256 in hex, the frames merged already."""
    lines = [f"{NormalForm.FRAMES}\n", *(f"{frame.milliseconds} {frame.sha256}\n" for frame in shown)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
