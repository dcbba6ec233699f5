from __future__ import annotations

from collections.abc import Iterator

import pytest

from identity.assurance.account import Actor
from ledger.ids import SubjectId
from tests.identity.assurance.house import House, running


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("assurance") / "sigillo.db") as house:
        yield house


@pytest.fixture
def house(built: House) -> House:
    """The shared one, with a postbox of the test's own."""
    return House(built.accounts, built.clock, built.policy)


@pytest.fixture
def platform(house: House) -> Actor:
    return house.platform()


@pytest.fixture
def account(house: House, platform: Actor) -> SubjectId:
    return house.accounts.named(platform, "user-17")
