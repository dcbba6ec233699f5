from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import ledger.storage.sqlite
from ledger.ids import TenantId
from tests.ledger.world import World, running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases opened from here on wait a millisecond for another's lock. Name it before `world`."""
    pragmas = [pragma for pragma in ledger.storage.sqlite.PRAGMAS if "busy" not in pragma]
    monkeypatch.setattr(ledger.storage.sqlite, "PRAGMAS", (*pragmas, "busy_timeout=1"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "sigillo.db") as started:
        yield started


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.ledger.create_tenant("first")
