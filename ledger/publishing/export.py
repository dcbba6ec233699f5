"""The log as a folder that any static server can host (c2sp.org/tlog-tiles).

Rules
- The folder holds `checkpoint`, `log.vkey`, `tile/<L>/…` and `tile/entries/…` of one tree size, and its
  stamps (`ledger.stamps`); no payloads.
- `checkpoint` is written last and each file is renamed into place, so that a mirror being updated is always
  whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.publishing.publication import PLAIN, Publication
from ledger.publishing.published import fetching
from ledger.publishing.source import CHECKPOINT_FILE, VKEY_FILE
from ledger.stamping.stamps import ANCHORS_FILE, INDEX_FILE, parse_index, stamp_paths
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.tiles import ENTRIES, WIDTH, tile_path, widths


def export_log(
    database: Database,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    publication: Publication = PLAIN,
) -> TreeHead:
    """Write the log as the checkpoint covers it that it shows. `progress(done, total)` counts entries.

    Raises NotProvenError before the first checkpoint, TileError where tiles are missing, OSError.
    """
    with database.read(SystemSession.VERIFICATION) as connection:
        fetch = fetching(connection, publication)
        note, vkey = fetch(CHECKPOINT_FILE) or b"", fetch(VKEY_FILE) or b""
        head = verify_checkpoint(note.decode(), VerifierKey.parse(vkey.decode()))
        for path, done in _paths(head.size):
            _write(folder / path, fetch(path) or b"")
            if done:
                progress(done, head.size)
        for path in _stamps(fetch(INDEX_FILE) or b""):
            _write(folder / path, fetch(path) or b"")
    _write(folder / VKEY_FILE, vkey)
    _write(folder / CHECKPOINT_FILE, note)
    return head


def _paths(size: int) -> Iterator[tuple[str, int]]:
    """Every tile, and every bundle with how many entries are written with it."""
    for level, n, width in widths(size):
        yield tile_path(level, n, width), 0
        if level == 0:
            yield tile_path(ENTRIES, n, width), n * WIDTH + width


def _stamps(index: bytes) -> Iterator[str]:
    """Every file of them, and their index last."""
    if index:
        yield from (path for size in parse_index(index) for path in stamp_paths(size))
        yield from (ANCHORS_FILE, INDEX_FILE)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.rename(path)
