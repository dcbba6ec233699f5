"""What a hijacked worker may say of faces, and what nobody believes."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from detection.errors import WorkerProtocolError
from detection.faces.found import (
    FACE_MODEL,
    MAX_FACES,
    MAX_SIGHTINGS,
    Box,
    Face,
    Faces,
    Quality,
    Sighting,
    parse_faces,
    to_result,
)
from detection.frames import MAX_REPLY_BYTES

DIRECTION = (1.0, *[0.0] * (FACE_MODEL.dimensions - 1))
QUALITY = Quality(side=120, sharpness=0.2, turn=0.0, spread=1.0, shadows=60, highlights=200, burnt=0.0, cut=False)
FACE = Face(Box(1.0, 2.0, 3.0, 4.0), 0.9, QUALITY, DIRECTION)
FACES = Faces("image/jpeg", str(FACE_MODEL), (Sighting(0, (FACE,)),))


def test_what_was_found_arrives_as_it_was() -> None:
    assert parse_faces(json.loads(json.dumps(to_result(FACES, FACE_MODEL.digest)))) == FACES


def test_another_model_is_refused() -> None:
    for digest in ("0" * 64, "", None):
        with pytest.raises(WorkerProtocolError, match="another face model"):
            parse_faces(to_result(FACES, digest))  # type: ignore[arg-type]


def first(faces: dict[str, Any]) -> dict[str, Any]:
    face: dict[str, Any] = faces["sightings"][0]["faces"][0]
    return face


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "not of unit length": lambda faces: first(faces).update(embedding=[0.5] + [0.0] * 127),
    "too short": lambda faces: first(faces).update(embedding=[1.0]),
    "no number": lambda faces: first(faces).update(embedding=[float("nan")] * 128),
    "numbers as text": lambda faces: first(faces).update(embedding=["1"] + ["0"] * 127),
    "pixels besides": lambda faces: first(faces).update(pixels="AAAA"),
    "sure beyond measure": lambda faces: first(faces).update(confidence=1.5),
    "an endless box": lambda faces: first(faces)["box"].update(width=1e9),
    "no quality": lambda faces: first(faces).pop("quality"),
    "too many faces": lambda faces: faces["sightings"][0].update(faces=[first(faces)] * (MAX_FACES + 1)),
    "too many sightings": lambda faces: faces.update(sightings=faces["sightings"] * (MAX_SIGHTINGS + 1)),
    "an unknown kind": lambda faces: faces.update(mime="image/svg+xml"),
    "a time before the beginning": lambda faces: faces["sightings"][0].update(at=-1),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_no_honest_worker_says_is_refused(lie: Callable[[dict[str, Any]], object]) -> None:
    result = deepcopy(to_result(FACES, FACE_MODEL.digest))
    lie(result["faces"])
    with pytest.raises(WorkerProtocolError):
        parse_faces(result)


def test_all_that_may_be_found_fits_into_one_answer() -> None:
    face = first(to_result(FACES, FACE_MODEL.digest)["faces"])
    largest = {**face, "embedding": [-0.1234567] * FACE_MODEL.dimensions}
    assert MAX_SIGHTINGS * MAX_FACES * len(json.dumps(largest, separators=(",", ":"))) < MAX_REPLY_BYTES


def test_an_embedding_shows_in_no_traceback() -> None:
    assert "embedding" not in repr(FACES)
