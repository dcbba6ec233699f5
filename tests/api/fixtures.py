"""Deployments that tests share; a `conftest` imports what its tests use."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.running.log import configure
from tests.deployment import Running, picture, running
from tests.ledger.world import HeldClock
from tests.waiting import until


@contextmanager
def logging_put_back() -> Iterator[None]:
    """What the block does to logging ends with it."""
    root = logging.getLogger("sigillo")
    handlers, propagate, level = root.handlers, root.propagate, root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers, root.propagate = handlers, propagate
        root.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def to_the_log() -> None:
    """Loggers write to `logging`, where pytest catches them, instead of standard output."""
    with logging_put_back():
        configure(None)


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests of a folder in a process: they must not disturb each other. It ends with them: even one that
    nobody asks takes a fortieth of a core, for it looks ten times a second what is to be proven.
    """
    with settled(tmp_path_factory.mktemp("home")) as up:
        yield up


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The same for a module that imports it as its `deployment`: where what others upload would be found, too."""
    with settled(tmp_path_factory.mktemp("home")) as up:
        yield up


@contextmanager
def settled(folder: Path, **chosen: Any) -> Iterator[Running]:
    """One that writes nothing any more but what it is asked to."""
    with running(folder, **chosen) as up:
        up.service.housekeeping.round()  # appoints the operator, records the claim key: entries that no test expects
        until(lambda: up.service.ledger.status().proven, "no checkpoint came")
        yield up


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture on disk."""
    file = tmp_path / "photo.jpg"
    file.write_bytes(picture())
    return file


@pytest.fixture
def clock() -> HeldClock:
    """Stands at the present until moved: certificates made under it are good for the real validator."""
    return HeldClock(datetime.now(UTC))


@pytest.fixture
def own(tmp_path: Path, clock: HeldClock) -> Iterator[Running]:
    """A deployment of the test's own, with a clock it may move."""
    with running(tmp_path / "own", clock) as up:
        yield up
