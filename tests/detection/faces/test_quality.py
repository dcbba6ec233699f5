"""Which photos may be registered, and what people read when theirs may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from detection.faces.found import Faces, Sighting
from detection.faces.quality import SENTENCES, PhotoReason, PhotoRefusedError, judge
from tests.detection.faces import photos
from tests.detection.faces.conftest import Seen
from tests.detection.faces.test_found import FACE, FACES, QUALITY


def refused(faces: Faces) -> PhotoReason:
    with pytest.raises(PhotoRefusedError) as caught:
        judge(faces)
    assert str(caught.value) == SENTENCES[caught.value.reason]
    return caught.value.reason


def with_quality(**changes: Any) -> Faces:
    return replace(FACES, sightings=(Sighting(0, (replace(FACE, quality=replace(QUALITY, **changes)),)),))


def test_a_portrait_may_be_registered(seen: Seen) -> None:
    faces = seen(photos.PORTRAIT_FILE.read_bytes())
    assert judge(faces) is faces.sightings[0].faces[0]


REFUSED = {
    PhotoReason.NO_FACE: photos.landscape(),
    PhotoReason.SEVERAL_FACES: photos.crowd(10),
    PhotoReason.TOO_SMALL: photos.sized(20),
    PhotoReason.CUT_OFF: photos.cut_off(),
    PhotoReason.TURNED_AWAY: photos.turned_away(),
    PhotoReason.TOO_DARK: photos.lit(0.1),
    PhotoReason.TOO_BRIGHT: photos.lit(1.8),
    PhotoReason.HAZY: photos.lit(1.0, contrast=0.1),
    PhotoReason.BLURRED: photos.blurred(),
}


@pytest.mark.parametrize(("reason", "photo"), REFUSED.items(), ids=REFUSED)
def test_each_fault_of_a_photo_has_its_own_sentence(seen: Seen, reason: PhotoReason, photo: Image.Image) -> None:
    assert refused(seen(photo)) is reason


def test_what_moves_is_no_photo(seen: Seen) -> None:
    assert refused(seen(photos.animation(photos.PORTRAIT, photos.mirrored()))) is PhotoReason.NO_PHOTO


def test_a_file_without_pictures_is_no_photo() -> None:
    assert refused(replace(FACES, sightings=())) is PhotoReason.NO_PHOTO


@pytest.mark.parametrize(
    ("fine", "poor", "reason"),
    [
        ({"side": 80}, {"side": 79}, PhotoReason.TOO_SMALL),
        ({"turn": -0.3}, {"turn": -0.31}, PhotoReason.TURNED_AWAY),
        ({"spread": 0.8}, {"spread": 0.79}, PhotoReason.TURNED_AWAY),
        ({"highlights": 90}, {"highlights": 49, "shadows": 0}, PhotoReason.TOO_DARK),
        ({"burnt": 0.35}, {"burnt": 0.36}, PhotoReason.TOO_BRIGHT),
        ({"shadows": 175}, {"shadows": 176}, PhotoReason.HAZY),
        ({"sharpness": 0.012}, {"sharpness": 0.0119}, PhotoReason.BLURRED),
    ],
)
def test_each_bound_is_where_it_is_written(fine: dict[str, Any], poor: dict[str, Any], reason: PhotoReason) -> None:
    judge(with_quality(**fine))
    assert refused(with_quality(**poor)) is reason


def test_dark_skin_in_good_light_is_no_dark_photo() -> None:
    """A face with a mean of fifty, on which light still shows."""
    judge(with_quality(shadows=18, highlights=75))


def test_every_reason_says_what_to_do() -> None:
    assert SENTENCES.keys() == set(PhotoReason)
    assert all(": " in sentence for sentence in SENTENCES.values())


@pytest.mark.parametrize("photo", [photos.masked(), photos.printed()], ids=["masked", "printed"])
def test_what_one_photo_cannot_tell_is_not_claimed(seen: Seen, photo: Image.Image) -> None:
    """docs/limitations.md: no liveness, and nothing about what covers part of a face."""
    judge(seen(photo))
