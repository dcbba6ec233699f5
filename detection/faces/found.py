"""What is found of faces in a file, as it crosses from a worker to the parent.

One shape for every medium: a picture has one sighting, a film and an animation have one for each sampled moment, a
sound and a document have none. Loads no decoder and no model, so the parent can import it.

Rules
- What arrives is hostile: types, lengths, ranges and the length of each embedding are checked.
- Embeddings of two models mean nothing to each other: a worker states the digest of the model that it loaded, and
  another than FACE_MODEL's is refused.
- An embedding shows nobody's face, and is biometric data all the same: it is compared or sealed, and never logged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import WorkerProtocolError
from detection.examination import Milliseconds
from detection.kinds import MIMES
from detection.limits import MAX_SIDE


@dataclass(frozen=True)
class FaceModel:
    """What finds faces and embeds them."""

    name: str
    version: str
    digest: str
    """SHA-256 in hex over the bytes of the detector's file and then the recogniser's."""

    licence: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


FACE_MODEL: Final = FaceModel(
    name="yunet-sface",
    version="2023mar-2021dec-int8bq",
    digest="2e8284dd78ab49c4346626810f00dc48c0f1318dfb8312295c0781ed1989c0fc",
    licence="MIT AND Apache-2.0",
    dimensions=128,
)
"""The shipped one: YuNet (MIT) and SFace (Apache-2.0) of the OpenCV Zoo, their weights in blocks of 8 bits."""

MAX_FACES = 32
"""Embedded in one picture, the largest first: each takes fifteen milliseconds."""

MAX_SIGHTINGS = 64
"""Moments of a film or an animation that are looked at; a longer one is looked at less often."""

UNIT_TOLERANCE = 1e-3
"""How far the length of an embedding may be from 1."""

_CLOSED = ConfigDict(extra="forbid")
Pixels = Annotated[float, Field(strict=True, ge=-2.0 * MAX_SIDE, le=2.0 * MAX_SIDE, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Level = Annotated[int, Field(strict=True, ge=0, le=255)]
Component = Annotated[float, Field(strict=True, ge=-1.001, le=1.001)]
Embedding = Annotated[tuple[Component, ...], Field(min_length=FACE_MODEL.dimensions, max_length=FACE_MODEL.dimensions)]
"""A direction: unit length."""


@with_config(_CLOSED)
@dataclass(frozen=True)
class Box:
    """Where a face is, in pixels of the picture as seen, of a film's frame as `detection.faces.jobs` shrinks it. It may
    reach beyond the picture.
    """

    x: Pixels
    y: Pixels
    width: Pixels
    height: Pixels


@with_config(_CLOSED)
@dataclass(frozen=True)
class Quality:
    """How well a face can be seen."""

    side: Annotated[int, Field(strict=True, ge=0, le=2 * MAX_SIDE)]
    """Pixels on the shorter side of its box."""

    sharpness: Annotated[float, Field(strict=True, ge=0, le=1e6)]
    """Variance of the Laplacian over the variance of the grey levels, in the aligned face: of a photograph in focus
    .05 to 1, of a blurred one below .01, whatever the light.
    """

    turn: Annotated[float, Field(strict=True, ge=-100, le=100)]
    """How far the tip of the nose is from the middle between the eyes, in distances between them: 0 towards the camera,
    beyond .3 to either side clearly turned.
    """

    spread: Annotated[float, Field(strict=True, ge=0, le=100)]
    """The distance between the eyes over that from them to the mouth: about 1 towards the camera, and the less, the
    more the head is turned to either side.
    """

    shadows: Level
    """Grey level that a twentieth of the face is darker than,"""

    highlights: Level
    """and that a twentieth is brighter than."""

    burnt: Share
    """Share of the face that is as bright as can be, where nothing is left to see."""

    cut: bool
    """Whether the face reaches beyond the picture's edge."""


@with_config(_CLOSED)
@dataclass(frozen=True)
class Face:
    """One face."""

    box: Box
    confidence: Share
    """The detector's own, that it is one."""

    quality: Quality
    embedding: Embedding = field(repr=False)

    def __post_init__(self) -> None:
        if abs(math.hypot(*self.embedding) - 1) > UNIT_TOLERANCE:
            raise ValueError("not of unit length")


@with_config(_CLOSED)
@dataclass(frozen=True)
class Sighting:
    """What is seen at one moment."""

    at: Milliseconds
    """From the beginning; 0 for a picture that does not move."""

    faces: Annotated[tuple[Face, ...], Field(max_length=MAX_FACES)]
    """The largest first."""

    more: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    """Faces beyond MAX_FACES: seen, not embedded."""


@with_config(_CLOSED)
@dataclass(frozen=True)
class Faces:
    """All faces of a picture, or of the sampled moments of what moves."""

    mime: Annotated[str, Field(strict=True, pattern=f"^({'|'.join(MIMES)})\\z")]
    model: Annotated[str, Field(strict=True, pattern=r"^[ -~]{1,100}\z")]
    """Name and version of who found them."""

    sightings: Annotated[tuple[Sighting, ...], Field(max_length=MAX_SIGHTINGS)]


_FACES = TypeAdapter(Faces)


def to_result(faces: Faces, digest: str) -> dict[str, Any]:
    """The JSON object of a job's result, with the digest of the model that the worker loaded."""
    return {"digest": digest, "faces": _FACES.dump_python(faces, mode="json")}


def parse_faces(result: dict[str, Any]) -> Faces:
    """What a worker's JSON object says. Raises WorkerProtocolError for what no honest worker with FACE_MODEL says."""
    if result.get("digest") != FACE_MODEL.digest:
        raise WorkerProtocolError(f"a worker has another face model than {FACE_MODEL}: install sigillo's pinned one")
    try:
        return _FACES.validate_python(result.get("faces"))
    except ValidationError as error:
        raise WorkerProtocolError(f"not faces: {error.error_count()} fields are wrong") from error
