"""One log that grows: what an append costs when it is small and when it is large, and what reading it costs then."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import select

from benchmarks.appends import Open, opened
from benchmarks.window import percentile
from ledger.auditing.mirror import folder_fetch, verify_mirror
from ledger.ids import EntryId
from ledger.publishing.export import export_log
from ledger.storage.tables import Entry
from ledger.storage.tenancy import SystemSession

UNIT: Final = 256
"""Entries of one unit of work."""

MEASURED: Final = 16_384
"""Entries whose cost is measured at each size."""

RECEIPTS: Final = 500
PATIENCE: Final = 60.0
"""Seconds a checkpoint may take."""


def grown(folder: Path, sizes: Iterable[int]) -> Mapping[str, float]:
    """Microseconds of processor time of an append at each size, tree and checkpoints included; then, of the whole log:
    receipts, export, verification, bytes.
    """
    found: dict[str, float] = {}
    with opened(f"sqlite:///{folder / 'log.db'}", folder) as log:
        for size in sizes:
            _append(log, size - log.ledger.status().committed)
            began = time.process_time()
            _append(log, MEASURED)
            found[f"append_us_at_{size}"] = (time.process_time() - began) / MEASURED * 1e6
        found["entries"] = log.ledger.status().proven
        found["receipt_ms"] = percentile(_receipts(log), 50)
        found |= _read(log, folder, found["entries"])
        assert log.database.truncate_wal()
        found["bytes_per_entry"] = (folder / "log.db").stat().st_size / found["entries"]
    return found


def _append(log: Open, count: int) -> None:
    """So many entries, all of them proven at the end."""
    for start in range(0, count, UNIT):
        while log.ledger.status().committed - log.ledger.status().integrated > UNIT * UNIT // 2:
            time.sleep(0.01)  # as fast as the tree takes them
        log.append(min(UNIT, count - start))
    deadline = time.monotonic() + PATIENCE
    while (status := log.ledger.status()).proven < status.committed:
        if time.monotonic() > deadline:
            raise SystemExit(f"no checkpoint: {status.reason}")
        time.sleep(0.01)


def _receipts(log: Open) -> list[float]:
    """Milliseconds of each, for entries all over the log."""
    chance, size = random.Random(4), log.ledger.status().proven
    with log.database.read(SystemSession.FSCK) as connection:
        some = [chance.randrange(size) for _ in range(RECEIPTS)]
        entries = [connection.execute(select(Entry.id).where(Entry.index == index)).scalar_one() for index in some]
    return [_milliseconds(log, EntryId(entry)) for entry in entries]


def _milliseconds(log: Open, entry: EntryId) -> float:
    began = time.perf_counter()
    log.ledger.receipt(entry)
    return (time.perf_counter() - began) * 1000


def _read(log: Open, folder: Path, entries: float) -> Mapping[str, float]:
    """Export and verification of the export, in one thread: processor time, and what the files take."""
    export = folder / "export"
    began = time.process_time()
    export_log(log.database, export)
    exported, vkey = time.process_time(), log.ledger.vkey()
    report = verify_mirror(folder_fetch(export), vkey)
    verified = time.process_time()
    if not report.sound or report.entries != entries:
        raise SystemExit(f"the export does not verify: {report}")
    published = sum(file.stat().st_size for file in export.rglob("*") if file.is_file())
    return {
        "export_entries_per_s": entries / (exported - began),
        "verify_entries_per_s": entries / (verified - exported),
        "published_bytes_per_entry": published / entries,
    }
