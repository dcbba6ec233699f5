"""Any order of creating, erasing, re-wrapping and time: survivors open, copies of erased keys die in time."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Connection, select

import ledger.forgetting.rewrapping
from keys.errors import EpochDestroyedError
from keys.sealing import unseal
from ledger.errors import EpochClosedError, SubjectErasedError
from ledger.forgetting.rewrapping import Rewrapping
from ledger.forgetting.schedule import EPOCH_LIFETIME, PROMISE
from ledger.forgetting.subjects import Subject, _associated
from ledger.ids import SubjectId
from ledger.storage.tables import Epoch, SubjectKey
from tests.ledger.world import LONG, World

ROUNDS_EVERY = timedelta(days=1)
"""How long the service of this test may be away."""


@dataclass(frozen=True)
class Copy:
    """What a backup holds of one subject, with its epoch's data key as the key store wrapped it."""

    epoch: int
    wrapped: bytes
    data_key: bytes


@dataclass
class Erased:
    at: datetime
    copies: list[Copy] = field(default_factory=list)


class Orders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "orders.db", interval=LONG * 10)
        self.world.start()
        self.tenant = self.world.ledger.create_tenant("first")
        self.rewrapping = Rewrapping(
            self.world.ledger, self.world.database, self.world.clock, EPOCH_LIFETIME, lambda event, **facts: None
        )
        self.alive: dict[SubjectId, bytes] = {}
        self.waiting: list[Subject] = []
        self.copies: dict[SubjectId, list[Copy]] = {}
        self.erased: dict[SubjectId, Erased] = {}

    def teardown(self) -> None:
        """Every run ends thirty quiet days later."""
        for _ in range(PROMISE // ROUNDS_EVERY):
            self.time_passes(ROUNDS_EVERY)
            self.copies_of_erased_keys_die_in_time()
        self.survivors_open()
        self.world.close()
        self.folder.cleanup()

    @rule()
    def create(self) -> None:
        """A subject whose unit of work comes later, perhaps in another epoch."""
        self.waiting.append(self.world.ledger.subjects.create(self.tenant))

    @precondition(lambda self: self.waiting)
    @rule()
    def commit(self) -> None:
        subject = self.waiting.pop(0)
        with suppress(EpochClosedError):
            self._insert(subject)
            return
        self._insert(self.world.ledger.subjects.rewrap(subject))

    def _insert(self, subject: Subject) -> None:
        def work(connection: Connection) -> list[object]:
            self.world.ledger.subjects.insert(connection, subject)
            return []

        self.world.ledger.record(work, self.tenant)  # type: ignore[arg-type]  # no drafts
        self.alive[subject.id] = subject.key

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        subject = data.draw(st.sampled_from(sorted(self.alive)))
        del self.alive[subject]
        self.world.erase(self.tenant, subject)
        self.erased[subject] = Erased(self.world.clock.now, self.copies.pop(subject, []))

    @rule()
    def back_up(self) -> None:
        with self.world.database.read(self.tenant) as connection:
            rows = connection.execute(
                select(SubjectKey.id, SubjectKey.epoch, SubjectKey.wrapped, Epoch.wrapped.label("data_key"))
                .join(Epoch, (Epoch.tenant_id == SubjectKey.tenant_id) & (Epoch.number == SubjectKey.epoch))
                .where(SubjectKey.tenant_id == self.tenant, Epoch.tenant_id == self.tenant)
            ).all()
        for row in rows:
            self.copies.setdefault(row.id, []).append(Copy(row.epoch, row.wrapped, row.data_key))

    @rule(step=st.integers(1, 8).map(lambda days: days * ROUNDS_EVERY))
    def time_passes(self, step: timedelta) -> None:
        until = self.world.clock.now + step
        while self.world.clock.now < until:
            self.world.clock.move(ROUNDS_EVERY)
            self.rewrapping.round(lambda: False)

    @rule()
    def one_batch(self) -> None:
        """A round that is stopped as soon as it may be."""
        self.rewrapping.round(lambda: True)

    @rule()
    def advance_early(self) -> None:
        self.world.ledger.epochs.advance(self.tenant)

    @invariant()
    def survivors_open(self) -> None:
        opened = {subject: self.world.ledger.subjects.open(self.tenant, subject).key for subject in self.alive}
        assert opened == self.alive

    @invariant()
    def erased_stay_erased(self) -> None:
        for subject in self.erased:
            with pytest.raises(SubjectErasedError):
                self.world.ledger.subjects.open(self.tenant, subject)

    @invariant()
    def copies_of_erased_keys_die_in_time(self) -> None:
        for subject, erased in self.erased.items():
            if self.world.clock.now - erased.at >= PROMISE:
                assert not [copy for copy in erased.copies if self._opens(subject, copy)]

    def _opens(self, subject: SubjectId, copy: Copy) -> bool:
        try:
            data_key = self.world.keys.open_epoch(self.tenant, copy.data_key).key
        except EpochDestroyedError:
            return False
        unseal(data_key, copy.wrapped, _associated(self.tenant, subject, copy.epoch))
        return True


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.forgetting.rewrapping, "BATCH", 2)


def test_any_order() -> None:
    # Without shrinking: it would take many minutes, and the steps are told anyway.
    few = settings(
        max_examples=6,
        stateful_step_count=40,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Orders, settings=few)
