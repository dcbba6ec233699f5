from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.identity.openid4vci.desk import Desk, Wallet
from tests.ledger.world import World


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests; each puts back what it changed."""
    world = World(tmp_path_factory.mktemp("openid4vci") / "log.db")
    world.start()
    yield Desk.over(world)
    world.close()


@pytest.fixture
def wallet(desk: Desk) -> Wallet:
    return Wallet(desk)
