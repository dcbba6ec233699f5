"""Whether a photo may be registered: it shows one face, well enough that the person is found by it, and by no other.

Rules
- Every refusal is a reason of its own, in a sentence that tells the person what to do.
- Light is judged by what the face's brightest and darkest parts still show, never by its mean: that would refuse dark
  skin as a dark photo.
- What cannot be told from one photo is not judged: whether something covers part of the face, and whether a living
  person was before the camera, a print or a screen (docs/limitations.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from detection.errors import DetectionError
from detection.faces.found import Face, Faces, Quality

MIN_SIDE = 80
"""Pixels on the shorter side of a face: with fewer the recogniser is shown a picture larger than what was taken."""

MIN_SHARPNESS = 0.012
"""Below, the cosine of the same photo in focus falls under .9."""

MAX_TURN = 0.3
MIN_SPREAD = 0.8
"""Either is a head turned by more than some thirty-five degrees; faces differ, and .93 was seen of one in front."""

MIN_HIGHLIGHTS = 50
"""Of 255. Of any face in any light that is good enough, something is brighter."""

MIN_RANGE = 25
"""Grey levels between shadows and highlights: less is haze."""

MAX_BURNT = 0.35


class PhotoReason(StrEnum):
    """Why a photo may not be registered."""

    NO_PHOTO = "no_photo"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    TURNED_AWAY = "turned_away"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    HAZY = "hazy"
    BLURRED = "blurred"


SENTENCES: Final[Mapping[PhotoReason, str]] = {
    PhotoReason.NO_PHOTO: "this is no single photo: send a photo that does not move, such as a JPEG",
    PhotoReason.NO_FACE: (
        "no face was found in this photo: send one that shows your whole face from the front, the right way up"
    ),
    PhotoReason.SEVERAL_FACES: (
        "there is more than one face in this photo: send one that shows you alone, or cut the others off"
    ),
    PhotoReason.TOO_SMALL: "your face is too small in this photo: come closer, or send the photo in its full size",
    PhotoReason.CUT_OFF: "your face reaches beyond the edge of this photo: leave some room around it",
    PhotoReason.TURNED_AWAY: "your face is turned away in this photo: look straight into the camera",
    PhotoReason.TOO_DARK: "this photo is too dark: turn towards a window or a lamp",
    PhotoReason.TOO_BRIGHT: "the light on your face is too bright in this photo: turn the lamp or the flash away",
    PhotoReason.HAZY: "this photo is hazy: wipe the lens, and take care that no light shines into it",
    PhotoReason.BLURRED: "your face is blurred in this photo: hold the camera still, and wait until it is in focus",
}


class PhotoRefusedError(DetectionError):
    """This photo may not be registered; its words are for the person who sent it. `which` names one of several."""

    def __init__(self, reason: PhotoReason, which: str = "") -> None:
        super().__init__(f"{which}: {SENTENCES[reason]}" if which else SENTENCES[reason])
        self.reason = reason


_CHECKS: Final[tuple[tuple[PhotoReason, Callable[[Quality], bool]], ...]] = (
    (PhotoReason.TOO_SMALL, lambda seen: seen.side < MIN_SIDE),
    (PhotoReason.CUT_OFF, lambda seen: seen.cut),
    (PhotoReason.TURNED_AWAY, lambda seen: abs(seen.turn) > MAX_TURN or seen.spread < MIN_SPREAD),
    (PhotoReason.TOO_DARK, lambda seen: seen.highlights < MIN_HIGHLIGHTS),
    (PhotoReason.TOO_BRIGHT, lambda seen: seen.burnt > MAX_BURNT),
    (PhotoReason.HAZY, lambda seen: seen.highlights - seen.shadows < MIN_RANGE),
    (PhotoReason.BLURRED, lambda seen: seen.sharpness < MIN_SHARPNESS),
)
"""In order: the first that holds is said, and is the first thing to mend."""


def judge(faces: Faces) -> Face:
    """The one face of a photo that may be registered. Raises PhotoRefusedError."""
    if len(faces.sightings) != 1:
        raise PhotoRefusedError(PhotoReason.NO_PHOTO)
    found = faces.sightings[0].faces
    if not found:
        raise PhotoRefusedError(PhotoReason.NO_FACE)
    if len(found) > 1:
        raise PhotoRefusedError(PhotoReason.SEVERAL_FACES)
    for reason, holds in _CHECKS:
        if holds(found[0].quality):
            raise PhotoRefusedError(reason)
    return found[0]
