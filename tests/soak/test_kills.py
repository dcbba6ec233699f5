"""SIGKILL again and again: `SOAK_KILLS` lives that end in the middle of uploads, and `SOAK_MINUTES` of good and hostile
traffic on a server that dies every few seconds; and the database's own death, again and again.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from statistics import median

import pytest

from tests.databases import BOTH, own_server
from tests.journeys.test_kill import check_at_rest, kill_rounds
from tests.journeys.uploader import Server
from tests.ledger.test_server_crash import crash_rounds
from tests.soak.visitors import CLIENTS, MINUTES, Memory, check, told, visiting

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
LIVES_SECONDS = (5.0, 25.0)

pytestmark = [
    pytest.mark.soak,
    # httpcore leaves its socket open when a connection to a Unix socket is refused: here, to a server just killed.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("kind", BOTH)
def test_every_life_ends_in_the_middle_of_uploads(tmp_path: Path, kind: str) -> None:
    with Server(tmp_path / "home", kind) as server:
        acknowledged = kill_rounds(server, tmp_path, KILLS, seed=2)
    tenth = max(len(server.starts) // 10, 1)
    first, last = median(server.starts[1 : tenth + 1]), median(server.starts[-tenth:])
    print(f"\n{KILLS} kills on {kind}: {acknowledged} uploads acknowledged, all of them whole")
    print(f"a start took {first:.2f} s at first, {last:.2f} s at last (medians of a tenth)")


def test_mixed_load_on_a_server_that_dies(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server:
        _live_and_die(server, tmp_path)


def _live_and_die(server: Server, folder: Path) -> None:
    memory, chance = Memory(), random.Random(0)
    until, kills = time.monotonic() + MINUTES * 60, 0
    with visiting(server, folder, memory):
        while time.monotonic() < until:
            time.sleep(chance.uniform(*LIVES_SECONDS))
            server.kill()
            server.start()
            kills += 1
    with server.client() as sigillo:
        for asset, sha256 in memory.kept.items():
            check(sigillo, asset, sha256, memory)
    assert server.stop() == 0
    check_at_rest(folder / "home")
    print(f"\n{MINUTES:g} minutes, {kills} kills, {CLIENTS} clients: {told(memory)}")


def test_the_database_dies_while_callers_append(tmp_path: Path) -> None:
    """Half of `SOAK_KILLS` end PostgreSQL with all its processes, half one session, and with it all others."""
    with own_server() as server:
        told = crash_rounds(server, tmp_path, KILLS // 2)
    print(f"\n{KILLS // 2} crashes of the server and as many of a session: {told} entries acknowledged, all there once")
