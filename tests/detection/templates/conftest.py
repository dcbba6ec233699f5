from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.ids import TenantId
from tests.detection.templates.registered import House
from tests.ledger.world import running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(tmp_path / "sigillo.db") as world:
        yield House(world)


@pytest.fixture
def tenant(house: House) -> TenantId:
    return house.world.ledger.create_tenant("first")
