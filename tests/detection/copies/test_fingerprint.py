"""A picture's fingerprint: the one its owner makes is the one an upload has, and near copies are near to it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from detection.copies.fingerprint import (
    FORMS,
    LEAST_QUALITY,
    REACH,
    Fingerprint,
    fingerprint,
    from_hex,
    nearest,
    parse_fingerprint,
)
from detection.errors import FingerprintRefusedError, MediaError, WorkerProtocolError
from detection.examination import parse_examination
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection.films import Film, write
from tests.detection.pictures import save
from tests.workers import lend


@pytest.fixture(scope="module")
def worker() -> Iterator[Sandbox]:
    with lend("detection.jobs", size=1, wait_seconds=60) as sandbox:
        yield sandbox


def scene(seed: int = 1, size: tuple[int, int] = (200, 150)) -> Image.Image:
    """A picture with as much in it as a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def taken(worker: Sandbox, file: bytes) -> Fingerprint:
    with Memfd.of([file]) as sent:
        return fingerprint(worker, sent)


def seen_at_upload(worker: Sandbox, file: bytes) -> str:
    with Memfd.of([file]) as sent, worker.run("examine", {"declared": None}, (sent,)) as reply:
        return parse_examination(reply.result).content.frames[0].pdq


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_device_and_the_service_see_one_file_alike(worker: Sandbox, form: str) -> None:
    file = save(scene(size=(1400, 900)), form)
    assert taken(worker, file).forms[0] == seen_at_upload(worker, file)


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "poor JPEG": lambda picture: save(picture, "JPEG", quality=30),
    "half the size": lambda picture: save(picture.resize((100, 75)), "JPEG"),
    "grey": lambda picture: save(picture.convert("L"), "PNG"),
    "mirrored": lambda picture: save(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG"),
    "upside down": lambda picture: save(picture.transpose(Image.Transpose.ROTATE_180), "JPEG"),
    "turned": lambda picture: save(picture.transpose(Image.Transpose.ROTATE_90), "JPEG"),
    "turned back": lambda picture: save(picture.transpose(Image.Transpose.ROTATE_270), "JPEG"),
    "turned and mirrored": lambda picture: save(picture.transpose(Image.Transpose.TRANSPOSE), "JPEG"),
}


@pytest.mark.parametrize("copy", COPIES)
def test_near_copies_are_near(worker: Sandbox, copy: str) -> None:
    known = from_hex(list(taken(worker, save(scene(), "JPEG")).forms))
    assert nearest(from_hex([seen_at_upload(worker, COPIES[copy](scene()))]), known) <= REACH


def test_other_pictures_are_far(worker: Sandbox) -> None:
    known = [from_hex(list(taken(worker, save(scene(seed), "JPEG")).forms)) for seed in range(6)]
    distances = [nearest(one, other) for n, one in enumerate(known) for other in known[:n]]
    assert min(distances) > 2 * REACH


def test_a_phones_orientation_is_undone(worker: Sandbox) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = scene().transpose(Image.Transpose.ROTATE_90)
    assert taken(worker, save(lying, "JPEG", exif=exif)).forms[0] == seen_at_upload(
        worker, save(lying, "JPEG", exif=exif)
    )


@pytest.mark.parametrize("blank", ["white", "black", "tomato"])
def test_what_says_nothing_is_refused(worker: Sandbox, blank: str) -> None:
    with pytest.raises(FingerprintRefusedError, match=str(LEAST_QUALITY)) as refused:
        taken(worker, save(Image.new("RGB", (300, 300), blank), "PNG")).require_distinct()
    assert refused.value.reason == "faint"


def animation() -> bytes:
    file = io.BytesIO()
    scene().save(file, "GIF", save_all=True, append_images=[scene(2)])
    return file.getvalue()


@pytest.mark.parametrize(
    "make", [animation, lambda: write(Film()), lambda: b"no picture", lambda: save(scene(), "JPEG")[:900]]
)
def test_only_whole_pictures_that_stand_still_have_one(worker: Sandbox, make: Callable[[], bytes]) -> None:
    with pytest.raises(MediaError):
        taken(worker, make())


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"forms": ["0" * 64] * 7, "quality": 90},
        {"forms": ["0" * 64] * 9, "quality": 90},
        {"forms": ["g" * 64] * 8, "quality": 90},
        {"forms": ["0" * 64] * 8, "quality": 101},
        {"forms": ["0" * 64] * 8, "quality": 90, "pixels": "…"},
    ],
)
def test_what_a_worker_says_is_checked(said: object) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_fingerprint(said)


def test_it_is_not_printed(worker: Sandbox) -> None:
    found = taken(worker, save(scene(), "PNG"))
    assert len(found.forms) == FORMS
    assert found.forms[0] not in repr(found)
