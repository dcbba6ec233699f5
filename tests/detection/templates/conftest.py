from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detection.templates.decisions import KINDS
from ledger.ids import TenantId
from tests.detection.templates.registered import House
from tests.ledger.world import World, running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "sigillo.db", kinds=KINDS) as started:
        yield started


@pytest.fixture
def house(world: World) -> House:
    return House(world.ledger, world.database)


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.ledger.create_tenant("first")
