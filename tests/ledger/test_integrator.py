"""The signing guard: what would contradict an earlier checkpoint is not signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, insert, select, update

import ledger.tree.integrator
from keys.signer import Purpose
from ledger.entry import parse_entry
from ledger.errors import DatabaseUnavailableError, ForkError
from ledger.ids import TenantId
from ledger.storage.tables import Checkpoint, Entry, Tile
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from ledger.tree.tile_store import integrated_size
from tests.ledger.world import LONG, World, running, tampering


@pytest.fixture
def still(tmp_path: Path) -> Iterator[World]:
    """A log whose integrator runs only when the test steps it."""
    with running(tmp_path / "still.db", interval=LONG * 10) as world:
        yield world


@pytest.fixture
def tenant(still: World) -> TenantId:
    tenant = still.ledger.create_tenant("first")
    subject = still.ledger.subjects.system(tenant)
    for n in range(5):
        still.write_note(tenant, str(n), subject)
    step(still)
    return tenant


def step(world: World) -> None:
    Integrator(world.database, LogKey(world.database, world.keys)).step()


def sizes(world: World) -> list[int]:
    with world.database.read(SystemSession.VERIFICATION) as connection:
        return list(connection.execute(select(Checkpoint.size).order_by(Checkpoint.size)).scalars())


def grow(world: World, tenant: TenantId) -> None:
    world.write_note(tenant, "more", world.ledger.subjects.system(tenant))


def test_a_checkpoint_is_signed_only_when_the_log_grew(still: World, tenant: TenantId) -> None:
    step(still)
    assert sizes(still) == [6]
    grow(still, tenant)
    step(still)
    assert sizes(still) == [6, 7]


def test_a_rewritten_tree_is_not_signed(still: World, tenant: TenantId) -> None:
    with tampering(still.database) as connection:
        hashes = connection.execute(select(Tile.hashes).where(Tile.level == 0)).scalar_one()
        connection.execute(update(Tile).where(Tile.level == 0).values(hashes=bytes(32) + hashes[32:]))
    grow(still, tenant)
    with pytest.raises(ForkError, match="does not extend"):
        step(still)
    assert sizes(still) == [6]


def test_a_log_shorter_than_its_checkpoint_is_not_signed(still: World, tenant: TenantId) -> None:
    with tampering(still.database) as connection:
        connection.execute(delete(Tile))
        connection.execute(delete(Entry).where(Entry.index >= 4))
    with pytest.raises(ForkError, match="put the newest database back"):
        step(still)
    assert sizes(still) == [6]


def test_a_forged_last_checkpoint_is_not_built_upon(still: World, tenant: TenantId) -> None:
    with tampering(still.database) as connection:
        note = connection.execute(select(Checkpoint.note)).scalar_one()
        connection.execute(update(Checkpoint).values(note=note.replace("\n6\n", "\n5\n")))
    grow(still, tenant)
    with pytest.raises(Exception, match="does not verify"):
        step(still)


def test_a_gap_in_the_entries_is_not_integrated(still: World, tenant: TenantId) -> None:
    grow(still, tenant)
    with tampering(still.database) as connection:
        connection.execute(update(Entry).where(Entry.index == 6).values(index=9))
    with pytest.raises(ForkError, match="missing after index 5"):
        step(still)


def test_another_history_than_the_trees_is_not_gone_on_with(still: World, tenant: TenantId) -> None:
    grow(still, tenant)
    with tampering(still.database) as connection:
        entry = parse_entry(connection.execute(select(Entry.data).where(Entry.index == 6)).scalar_one())
        connection.execute(update(Entry).where(Entry.index == 6).values(data=replace(entry, prev="0" * 64).encode()))
    with pytest.raises(ForkError, match="entry 6 does not follow"):
        step(still)
    assert sizes(still) == [6]


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (delete(Entry).where(Entry.index >= 4), "the tree has 6, and only 4 are here: put the newest database back"),
        (update(Entry).where(Entry.index == 5).values(data=b"{}"), "the last entry, 5, was changed"),
    ],
)
def test_nothing_is_put_where_the_tree_has_something_else(
    still: World, tenant: TenantId, tampered: Executable, said: str
) -> None:
    with tampering(still.database) as connection:
        connection.execute(tampered)
    again = World(still.path, still.keys)
    with pytest.raises(DatabaseUnavailableError, match=said):
        again.start()
    again.database.close()


def test_another_key_under_the_same_name_is_refused(still: World, tenant: TenantId) -> None:
    still.keys.replace_key(Purpose.LOG)
    grow(still, tenant)
    with pytest.raises(ForkError, match="restore that key"):
        step(still)
    assert sizes(still) == [6]


def test_a_newer_key_version_leaves_the_log_with_its_own(still: World, tenant: TenantId) -> None:
    vkey = still.ledger.vkey()
    still.keys.rotate(Purpose.LOG)
    grow(still, tenant)
    step(still)
    assert verify_checkpoint(still.ledger.checkpoint(), VerifierKey.parse(vkey)).size == 7


def test_a_failed_write_is_integrated_again(still: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    integrator = Integrator(still.database, LogKey(still.database, still.keys))
    integrator.step()
    grow(still, tenant)

    def fails(_: object) -> None:
        raise DatabaseUnavailableError("for now")

    with monkeypatch.context() as patch:
        patch.setattr(still.database, "write", fails)
        with pytest.raises(DatabaseUnavailableError):
            integrator.step()
    integrator.step()
    with still.database.read(SystemSession.VERIFICATION) as connection:
        assert integrated_size(connection) == 7
    assert still.ledger.verify().sound


def test_a_fault_of_ours_does_not_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise MemoryError("for now")

    with running(tmp_path / "log.db") as world:
        tenant = world.ledger.create_tenant("first")
        with monkeypatch.context() as patch:
            patch.setattr(ledger.tree.integrator, "integrated_size", fails)
            entry = world.write_note(tenant, "x").entries[0]
            assert not world.ledger.wait_proven(entry, 0.3)
            assert "MemoryError: for now" in world.ledger.status().reason
        assert world.ledger.wait_proven(entry, LONG)
        assert world.ledger.status().ready


def test_the_status_names_a_fork(tmp_path: Path) -> None:
    with running(tmp_path / "forked.db") as world:
        tenant = world.ledger.create_tenant("first")
        entry_id = world.write_note(tenant, "x").entries[0]
        assert world.ledger.wait_proven(entry_id, LONG)
        world.keys.replace_key(Purpose.LOG)
        second = world.write_note(tenant, "y").entries[0]
        assert not world.ledger.wait_proven(second, 0.3)
        assert "is not the key this log was begun with" in world.ledger.status().reason


def test_rows_without_their_tile_are_integrated_from_the_start(still: World, tenant: TenantId) -> None:
    with tampering(still.database) as connection:
        connection.execute(delete(Tile))
        connection.execute(delete(Checkpoint))
        connection.execute(insert(Tile), {"level": 0, "n": 0, "hashes": b""})
    step(still)
    assert sizes(still) == [6]
    assert still.ledger.verify().sound
