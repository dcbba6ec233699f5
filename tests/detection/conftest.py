"""A sandbox full of misbehaving jobs, and one with the real job. Workers import them from the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detection.sandbox import Sandbox
from tests.workers import lend

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield


@pytest.fixture(scope="module")
def hostile(importable: None) -> Iterator[Sandbox]:
    with Sandbox("tests.detection.hostile_jobs", size=1, wait_seconds=60) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def examiner() -> Iterator[Sandbox]:
    with lend("detection.jobs", size=1, wait_seconds=60) as sandbox:
        yield sandbox
