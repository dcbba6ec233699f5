"""PostgreSQL itself dies: what was acknowledged is there once and in order, nothing is forked, and the log goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.auditing.mirror import folder_fetch, verify_mirror
from ledger.errors import DatabaseUnavailableError
from ledger.ids import EntryId, TenantId
from ledger.publishing.export import export_log
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.merkle import consistency_proof, verify_consistency
from ledger.tree.tile_store import tile_reader
from ledger.tree.tiles import Tiles
from tests.databases import POSTGRESQL, OwnServer, own_server, url_of
from tests.ledger.test_elected import eventually, log_of, note
from tests.ledger.world import LONG, World, running

CALLERS = 3
ROUNDS = 2
"""Of each way to die; `make soak` has many more."""


@dataclass
class Callers:
    """Threads that append again and again, and remember what they were told."""

    world: World
    tenant: TenantId
    stopping: threading.Event = field(default_factory=threading.Event)
    told: list[list[EntryId]] = field(default_factory=lambda: [[] for _ in range(CALLERS)])

    def call(self, number: int) -> None:
        while not self.stopping.is_set():
            try:
                self.told[number].append(note(self.world, self.tenant))
            except DatabaseUnavailableError:
                self.stopping.wait(0.01)

    def until_told_more(self) -> None:
        """However slow the machine is, every round proves something."""
        counts = [len(each) for each in self.told]
        eventually(lambda: all(len(each) > count for each, count in zip(self.told, counts, strict=True)))


def test_the_server_dies_while_callers_append(tmp_path: Path) -> None:
    with own_server() as server:
        crash_rounds(server, tmp_path, ROUNDS)


def crash_rounds(server: OwnServer, folder: Path, rounds: int) -> int:
    """The server's life is ended so many times, and so many times one session's, by SIGKILL; how much was told."""
    url, notes = url_of(folder / "log.db", POSTGRESQL), list[str]()
    with running(folder / "log.db", kind=POSTGRESQL, waits=False) as world, ThreadPoolExecutor(CALLERS) as pool:
        tenant = world.ledger.create_tenant("first")
        assert world.ledger.wait_proven(note(world, tenant), LONG)
        callers = Callers(world, tenant)
        calling = [pool.submit(callers.call, number) for number in range(CALLERS)]
        try:
            for _ in range(rounds):
                callers.until_told_more()
                notes.append(world.ledger.checkpoint())
                server.kill_session(url)
                callers.until_told_more()
                _down_and_up(server, world, tenant)
        finally:
            callers.stopping.set()
        for one in calling:
            one.result(LONG)
        _check(world, callers.told, notes, folder)
    return sum(map(len, callers.told))


def _down_and_up(server: OwnServer, world: World, tenant: TenantId) -> None:
    """While it is down everything that needs it says so, and nothing is promised."""
    server.kill()
    ways: list[Callable[[], object]] = [
        lambda: note(world, tenant),
        lambda: world.note_ids(tenant),
        world.ledger.checkpoint,
        lambda: world.database.write(lambda _: None),
    ]
    for way in ways:
        with pytest.raises(DatabaseUnavailableError):
            way()
    eventually(lambda: not world.ledger.status().ready)
    assert "the database" in world.ledger.status().reason
    server.start()
    eventually(lambda: world.ledger.status().ready)


def _check(world: World, told: list[list[EntryId]], notes: list[str], folder: Path) -> None:
    assert all(world.ledger.wait_proven(entries[-1], LONG) for entries in told)
    log = log_of(world)
    assert len(set(log)) == len(log)
    for entries in told:
        assert [entry for entry in log if entry in set(entries)] == entries
    assert world.ledger.verify().sound
    key = VerifierKey.parse(world.ledger.vkey())
    heads = [verify_checkpoint(one, key) for one in (*notes, world.ledger.checkpoint())]
    with world.database.read(SystemSession.VERIFICATION) as connection:
        tiles = Tiles(tile_reader(connection))
        for before, after in pairwise(heads):
            proof = consistency_proof(before.size, after.size, tiles.subtree)
            verify_consistency(before.size, after.size, proof, before.root, after.root)
    export_log(world.database, folder / "export")
    report = verify_mirror(folder_fetch(folder / "export"), world.ledger.vkey())
    assert report.sound, report.fault
