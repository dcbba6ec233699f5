"""A database put back to an earlier state signs nothing until an operator has said, knowingly, that it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import delete

from keys.high_water import Mark
from ledger.decisions import LogRecovered
from ledger.errors import ForkError, RecoveryRefusedError
from ledger.receipt import verify_receipt
from ledger.storage.tables import Tile
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from tests.databases import copy
from tests.ledger.publishing import grow
from tests.ledger.world import ACTOR, LONG, World, running, tampering
from tests.simulators.key_store import SimulatedKeyStore

EARLY, LATE = 5, 9


@dataclass(frozen=True)
class Restored:
    world: World
    lost: Mark

    def step(self) -> None:
        Integrator(self.world.database, LogKey(self.world.database, self.world.keys)).step()


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Restored]:
    """EARLY entries are here, and LATE were signed."""
    keys = SimulatedKeyStore()
    with running(tmp_path / "log.db", LONG * 10, keys) as world:
        world.ledger.create_tenant("first")
        grow(world, EARLY)
    copy(tmp_path / "log.db", tmp_path / "backup.db")
    with running(tmp_path / "log.db", LONG * 10, keys) as world:
        grow(world, LATE)
        lost = keys.mark
    assert lost is not None
    with running(tmp_path / "backup.db", LONG * 10, keys) as world:
        yield Restored(world, lost)


def test_it_signs_nothing_and_says_what_to_do(restored: Restored) -> None:
    for size in (EARLY + 1, LATE, LATE + 3):
        with pytest.raises(ForkError, match="sigillo ledger recover"):
            grow(restored.world, size)
    assert restored.world.keys.mark == restored.lost
    assert restored.world.ledger.status().committed == LATE + 3, "decisions go on, durable"
    key = VerifierKey.parse(restored.world.ledger.vkey())
    assert verify_checkpoint(restored.world.ledger.checkpoint(), key).size == EARLY


def test_it_is_said_though_nothing_is_to_be_signed(restored: Restored) -> None:
    """A service that was put back and rests must not call itself well until somebody decides something."""
    with pytest.raises(ForkError, match=f"size {LATE} is signed, but only {EARLY} entries are here"):
        restored.step()
    restored.world.keys.mark = Mark(EARLY, restored.world.ledger.recovery().last.root)
    restored.step()
    assert restored.world.ledger.status().proven == EARLY


def test_a_check_names_the_first_entry_that_is_lost(restored: Restored) -> None:
    for kept, fault in ((restored.lost, (EARLY, "shrink")), (Mark(EARLY, "11" * 32), (0, "fork")), (None, None)):
        restored.world.keys.mark = kept
        found = restored.world.ledger.verify().fault
        assert (found and (found.index, found.kind)) == fault


def test_it_goes_on_once_an_operator_has_read_and_confirmed(restored: Restored) -> None:
    world = restored.world
    found = world.ledger.recovery()
    assert (found.mark, found.last.size) == (restored.lost, EARLY)
    tenant = world.ledger.create_tenant("second")
    with pytest.raises(RecoveryRefusedError, match=found.word):
        world.ledger.recover("yes", ACTOR, tenant)
    assert world.keys.mark == restored.lost
    (entry,) = world.ledger.recover(found.word, ACTOR, tenant).entries
    restored.step()
    said = world.ledger.payloads.open(tenant, entry).payload
    assert said == LogRecovered(LATE, restored.lost.root, EARLY, found.last.root)
    assert verify_receipt(world.ledger.receipt(entry), world.ledger.vkey()).entry.kind == "log.recovered"
    assert world.ledger.verify().sound
    with pytest.raises(RecoveryRefusedError, match="nothing to recover from"):
        world.ledger.recover(found.word, ACTOR, tenant)


def test_interrupted_it_is_done_again(restored: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    world = restored.world
    tenant = world.ledger.create_tenant("second")
    word = world.ledger.recovery().word
    with monkeypatch.context() as patch:
        patch.setattr(world.keys, "replace", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.ledger.recover(word, ACTOR, tenant)
    with pytest.raises(ForkError):
        restored.step()
    world.ledger.recover(world.ledger.recovery().word, ACTOR, tenant)
    restored.step()


def _interrupted(_old: Mark | None, _new: Mark) -> None:
    raise KeyboardInterrupt


def test_a_mark_that_is_gone_is_no_beginning(restored: Restored) -> None:
    restored.world.keys.mark = None
    with pytest.raises(ForkError, match="is gone"):
        grow(restored.world, LATE)
    found = restored.world.ledger.recovery()
    tenant = restored.world.ledger.create_tenant("second")
    restored.world.ledger.recover(found.word, ACTOR, tenant)
    restored.step()


@pytest.mark.parametrize("mark", [Mark(3, "00" * 32), Mark(3, "zz"), Mark(-1, "00" * 32), Mark(EARLY, "11" * 32)])
def test_another_tree_by_the_mark_is_a_fork(restored: Restored, mark: Mark) -> None:
    restored.world.keys.mark = mark
    with pytest.raises(ForkError):
        grow(restored.world, LATE)
    assert restored.world.keys.mark == mark


def test_what_contradicts_itself_does_not_recover(restored: Restored) -> None:
    with tampering(restored.world.database) as connection:
        connection.execute(delete(Tile))
    with pytest.raises(RecoveryRefusedError, match="sigillo ledger verify"):
        restored.world.ledger.recovery()


def test_the_mark_is_there_before_the_checkpoint(restored: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in between, the log knows what it signed, or was about to."""
    world = restored.world
    tenant = world.ledger.create_tenant("second")
    world.ledger.recover(world.ledger.recovery().word, ACTOR, tenant)

    def sign(*_: object) -> str:
        assert world.keys.mark is not None
        assert world.keys.mark.size > EARLY
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.tree.integrator.sign_checkpoint", sign)
        with pytest.raises(KeyboardInterrupt):
            restored.step()
    restored.step()
    assert world.ledger.verify().sound
