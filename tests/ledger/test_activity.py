from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ledger.publishing.search import Query
from tests.ledger.publishing import prove
from tests.ledger.world import LONG, World, running

BEGUN = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Entries over three days, given their place in several rounds, one of which crosses midnight."""
    with running(tmp_path_factory.mktemp("activity") / "log.db", interval=LONG * 10) as world:
        world.clock.now = BEGUN
        tenant = world.ledger.create_tenant("first")
        for minutes, notes in ((0, 3), (20, 2), (20, 4), (60 * 30, 1)):
            world.clock.move(timedelta(minutes=minutes))
            for n in range(notes):
                world.write_note(tenant, f"{minutes} {n}")
            if minutes:
                prove(world)
        yield world


def test_every_entry_counts_on_its_day(counted: World) -> None:
    logged = [one.entry for one in counted.ledger.search(Query()).entries]
    found = counted.ledger.activity(5)
    assert [str(found.days[0]), str(found.days[-1])] == ["2026-11-23", "2026-11-27"]
    shown = {
        (one.kind, str(day)): count
        for one in found.kinds
        for day, count in zip(found.days, one.entries, strict=True)
        if count
    }
    assert shown == Counter((one.kind, one.time[:10]) for one in logged)
    assert [one.total for one in found.kinds] == sorted((one.total for one in found.kinds), reverse=True)


def test_a_span_has_its_days_alone(counted: World) -> None:
    assert [(one.kind, one.entries) for one in counted.ledger.activity(1).kinds] == [("note.written", (1,))]
