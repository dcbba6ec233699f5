from __future__ import annotations

from collections.abc import Iterator

import pytest

from identity.assurance.account import Actor
from ledger.ids import SubjectId
from tests.identity.assurance.house import House
from tests.identity.registration.desk import RegistryDesk, running


@pytest.fixture(scope="package")
def built_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryDesk]:
    with running(tmp_path_factory.mktemp("registration") / "sigillo.db") as desk:
        yield desk


@pytest.fixture
def desk(built_desk: RegistryDesk) -> RegistryDesk:
    return built_desk


@pytest.fixture
def house(desk: RegistryDesk) -> House:
    return desk.house


@pytest.fixture
def platform(house: House) -> Actor:
    return house.platform()


@pytest.fixture
def account(desk: RegistryDesk, platform: Actor) -> SubjectId:
    """Of tier medium."""
    return desk.account(platform, "user-17")
