"""A child process that records notes from several threads and prints each acknowledged id, until it is killed."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from ledger.ids import TenantId
from tests.ledger.world import World

THREADS = 8


def main(path: Path) -> None:
    world = World(path)
    world.start()
    tenant = world.ledger.create_tenant("first")
    _say(f"tenant {tenant}")
    for _ in range(THREADS):
        threading.Thread(target=_record, args=(world, tenant)).start()


def _record(world: World, tenant: TenantId) -> None:
    while True:
        _say(f"entry {world.write_note(tenant, 'x').entries[0]}")


def _say(line: str) -> None:
    # One write per line: a kill may cut the last line, never mix two.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
