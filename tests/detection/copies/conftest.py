"""One ledger for all tests of this room; each has a tenant of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detection.copies.bank import PictureBank
from keys.clock import system_entropy
from ledger.ids import TenantId, new_id
from tests.ledger.world import World, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("copies") / "sigillo.db") as started:
        yield started


@pytest.fixture(scope="module")
def bank(world: World) -> PictureBank:
    return PictureBank(world.database, world.ledger.subjects, system_entropy)


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.ledger.create_tenant(new_id("of", system_entropy))
