"""One deployment for all tests of likeness in a process: whoever is registered in a test is withdrawn after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.fixtures import to_the_log
from tests.cases.likeness.people import People
from tests.deployment import Running, running

__all__ = ["to_the_log"]


@pytest.fixture(scope="package")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("registry")) as up:
        up.operator.api_keys()
        yield up


@pytest.fixture(scope="package")
def people(registry: Running) -> People:
    return People(registry)
