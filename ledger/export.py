"""The log as a folder that any static server can host (c2sp.org/tlog-tiles).

Rules
- The folder holds `checkpoint`, `log.vkey`, `tile/<L>/…` and `tile/entries/…` of one tree size; no
  payloads.
- `checkpoint` is written last and each file is renamed into place, so that a mirror being updated is always
  whole.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from ledger.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.database import Database
from ledger.errors import NotProvenError
from ledger.mirror import CHECKPOINT_FILE, VKEY_FILE
from ledger.published import published
from ledger.tables import LogIdentity
from ledger.tenancy import SystemSession
from ledger.tile_store import latest_checkpoint
from ledger.tiles import ENTRIES, WIDTH, tile_path, widths


def export_log(
    database: Database, folder: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> TreeHead:
    """Write the log as its latest checkpoint covers it. `progress(done, total)` counts entries.

    Raises NotProvenError before the first checkpoint, TileError where tiles are missing, OSError.
    """
    with database.read(SystemSession.VERIFICATION) as connection:
        note = latest_checkpoint(connection)
        vkey = connection.execute(select(LogIdentity.vkey)).scalar()
        if note is None or vkey is None:
            raise NotProvenError("nothing to export: no checkpoint has been signed yet")
        head = verify_checkpoint(note, VerifierKey.parse(vkey))
        for level, n, width in widths(head.size):
            paths = [tile_path(level, n, width)] + ([] if level else [tile_path(ENTRIES, n, width)])
            for path in paths:
                _write(folder / path, published(connection, path, head.size))
            if level == 0:
                progress(n * WIDTH + width, head.size)
    _write(folder / VKEY_FILE, f"{vkey}\n".encode())
    _write(folder / CHECKPOINT_FILE, note.encode())
    return head


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.rename(path)
