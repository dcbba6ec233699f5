"""Any order of appending, erasing, crashing, restarting, exporting and verifying, on either database.

Model: whatever was acknowledged is in the log exactly once, each caller's entries in the order of their calls, though
the clock jump back; every checkpoint extends every earlier one; exports verify.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from ledger.auditing.mirror import folder_fetch, verify_mirror
from ledger.errors import DatabaseUnavailableError, NotProvenError
from ledger.ids import EntryId, TenantId
from ledger.publishing.export import export_log
from ledger.storage.tables import Entry
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from ledger.tree.merkle import consistency_proof, verify_consistency
from ledger.tree.tile_store import tile_reader
from ledger.tree.tiles import Tiles
from tests.databases import BOTH, POSTGRESQL, ask, sessions_of, url_of
from tests.ledger.world import LONG, World
from tests.simulators.key_store import SimulatedKeyStore

EXAMPLES, STEPS = 2, 10
"""Few, and the same each time; `make soak` has many."""


class Log(RuleBasedStateMachine):
    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.keys = SimulatedKeyStore()
        self.told: dict[int, list[EntryId]] = {}
        self.notes: list[str] = []
        self.world = self.begin()
        self.tenant = TenantId(self.world.ledger.create_tenant("first"))

    def begin(self) -> World:
        world = World(self.folder / "log.db", self.keys, interval=LONG * 10, kind=self.kind)
        world.start()
        return world

    @rule(caller=st.integers(0, 2), count=st.integers(1, 3))
    def append(self, caller: int, count: int) -> None:
        for n in range(count):
            with suppress(DatabaseUnavailableError):  # said, and nothing promised
                entries = self.world.write_note(self.tenant, f"{caller}.{n}").entries
                self.told.setdefault(caller, []).extend(entries)

    @rule(back=st.integers(1, 100))
    def the_clock_jumps_back(self, back: int) -> None:
        self.world.clock.move(timedelta(seconds=-back))

    @rule()
    def prove(self) -> None:
        Integrator(self.world.database, LogKey(self.world.database, self.keys)).step()
        with suppress(NotProvenError):
            self.notes.append(self.world.ledger.checkpoint())

    @rule()
    def crash(self) -> None:
        """As much of it as one process can have: nothing more is placed or proven. `test_crash` kills processes."""
        left = self.world
        if self.kind == POSTGRESQL:
            left.ledger._sequencer._accepting = False  # type: ignore[attr-defined]
            for pid in sessions_of(url_of(left.path, POSTGRESQL)):
                ask("SELECT pg_terminate_backend(%s)", pid)
        left.ledger._integrator._stop.set()
        left.ledger._integrator.step = lambda: None  # type: ignore[method-assign]
        left.close()
        self.world = self.begin()

    @precondition(lambda self: self.kind == POSTGRESQL)
    @rule()
    def every_connection_dies(self) -> None:
        for pid in sessions_of(url_of(self.world.path, POSTGRESQL)):
            ask("SELECT pg_terminate_backend(%s)", pid)

    @rule()
    def restart(self) -> None:
        self.world.close()
        self.world = self.begin()

    @precondition(lambda self: self.notes)
    @rule()
    def export(self) -> None:
        folder = self.folder / "export"
        shutil.rmtree(folder, ignore_errors=True)
        export_log(self.world.database, folder)
        report = verify_mirror(folder_fetch(folder), self.world.ledger.vkey())
        assert report.sound, report.fault

    @invariant()
    def all_is_there_once_and_in_order(self) -> None:
        log = self.log()
        assert len(set(log)) == len(log)
        for entries in self.told.values():
            mine = set(entries)
            assert [entry for entry in log if entry in mine] == entries

    def log(self) -> Sequence[EntryId]:
        with self.world.database.read(SystemSession.VERIFICATION) as connection:
            return connection.execute(select(Entry.id).order_by(Entry.index)).scalars().all()

    def teardown(self) -> None:
        self.prove()
        assert self.world.ledger.verify().sound
        key = VerifierKey.parse(self.world.ledger.vkey())
        heads = [verify_checkpoint(note, key) for note in self.notes]
        with self.world.database.read(SystemSession.VERIFICATION) as connection:
            tiles = Tiles(tile_reader(connection))
            for head in heads:
                proof = consistency_proof(head.size, heads[-1].size, tiles.subtree)
                verify_consistency(head.size, heads[-1].size, proof, head.root, heads[-1].root)
        self.world.close()
        shutil.rmtree(self.folder)


def machine_on(kind: str) -> type[Log]:
    return type(f"LogOn{kind}", (Log,), {"kind": kind})


@pytest.mark.parametrize("kind", BOTH)
def test_any_order(kind: str) -> None:
    run_on(kind, EXAMPLES, STEPS)


def run_on(kind: str, examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=examples == EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine_on(kind), settings=chosen)
