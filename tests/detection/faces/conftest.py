"""One worker that looks for faces, for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from detection.faces.found import Face, Faces
from detection.faces.look import JOBS, look
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection.faces import photos
from tests.workers import lend

Seen = Callable[[bytes | Image.Image], Faces]


@pytest.fixture(scope="package")
def looker() -> Iterator[Sandbox]:
    with lend(JOBS, size=1, wait_seconds=60) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def seen(looker: Sandbox) -> Seen:
    """What is found in a file, or in a picture as a JPEG file."""

    def of(file: bytes | Image.Image) -> Faces:
        with Memfd.of([file if isinstance(file, bytes) else photos.jpeg(file)]) as memfd:
            return look(looker, memfd)

    return of


@pytest.fixture(scope="package")
def her(seen: Seen) -> Face:
    """The face of the portrait."""
    (face,) = seen(photos.PORTRAIT_FILE.read_bytes()).sightings[0].faces
    return face
