"""How fast survivors move to the next epoch, in how much memory, and what it costs those who commit meanwhile.

    python benchmarks/rewrapping.py                     20,000 subjects
    python benchmarks/rewrapping.py --subjects 100000
    python benchmarks/rewrapping.py --json              one object

The ledger and the embedded key store are the service's own; rounds pause between batches as housekeeping does. Data go
to a temporary folder: on a memory file system (set TMPDIR elsewhere) syncing them costs nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import Connection, insert, update

from api.running.housekeeping import REST_SECONDS
from keys.clock import system_clock
from keys.local import LocalKeyStore
from ledger.decisions import EPOCH_DESTROYED, EpochDestroyed
from ledger.forgetting.rewrapping import BATCH, Rewrapping
from ledger.forgetting.schedule import EPOCH_LIFETIME
from ledger.ids import TenantId
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import Epoch, SubjectKey

CHUNK = 1_000
COMMITS_BEFORE = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--subjects", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.subjects)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):32}{value:>12,.1f}")


def measure(folder: Path, subjects: int) -> dict[str, float]:
    keys = LocalKeyStore.open(folder / "keys", embedded_profile=True)
    database = Database(f"sqlite:///{folder / 'ledger.db'}")
    ledger = Ledger(database, keys, ())
    ledger.start()
    tenant = ledger.create_tenant("first")
    for start in range(0, subjects, CHUNK):
        _store(ledger, database, tenant, min(CHUNK, subjects - start))
    idle = [_commit(ledger, tenant) for _ in range(COMMITS_BEFORE)]
    # The epoch is made to look old enough.
    database.write(lambda connection: connection.execute(update(Epoch).values(opened_at=0)))
    rewrapping = Rewrapping(ledger, database, system_clock, EPOCH_LIFETIME, _tell)
    before = _resident_mb()
    with _committing(ledger, tenant) as busy:
        began = time.perf_counter()
        rewrapping.round(_rest)
        seconds = time.perf_counter() - began
    left = rewrapping.status.waiting
    if left:
        raise SystemExit(f"{left} subjects did not move")
    memory = _resident_mb() - before
    ledger.close()
    database.close()
    return {
        "subjects": subjects,
        "batch": BATCH,
        "seconds": seconds,
        "subjects_a_second": subjects / seconds,
        "memory_grown_mb": memory,
        "commit_median_ms_before": median(idle) * 1000,
        "commit_median_ms_meanwhile": median(busy) * 1000,
        "commit_longest_ms_meanwhile": max(busy) * 1000,
    }


def _store(ledger: Ledger, database: Database, tenant: TenantId, count: int) -> None:
    made = [ledger.subjects.create(tenant) for _ in range(count)]
    rows = [{"tenant_id": tenant, "id": each.id, "epoch": each.epoch, "wrapped": each.wrapped} for each in made]
    database.write(lambda connection: connection.execute(insert(SubjectKey), rows))


def _commit(ledger: Ledger, tenant: TenantId) -> float:
    """Seconds of one durable entry under the tenant's system."""
    system, actor = ledger.subjects.system(tenant), ledger.system_principal(tenant)
    draft = ledger.draft(EPOCH_DESTROYED.name, "benchmark@1", actor, system, EpochDestroyed(0))

    def work(_connection: Connection) -> list[Draft]:
        return [draft]

    began = time.perf_counter()
    ledger.record(work, tenant)
    return time.perf_counter() - began


def _tell(event: str, **facts: int) -> None:
    print(event, *facts.values(), file=sys.stderr)


def _rest() -> bool:
    time.sleep(REST_SECONDS)
    return False


@contextmanager
def _committing(ledger: Ledger, tenant: TenantId) -> Iterator[list[float]]:
    """Someone commits one entry after the other while this lasts; how long each took."""
    stop, took = threading.Event(), list[float]()

    def run() -> None:
        while not stop.is_set():
            took.append(_commit(ledger, tenant))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def _resident_mb() -> float:
    fields = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
