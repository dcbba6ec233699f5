"""The log as a folder that any static server can host (c2sp.org/tlog-tiles), and its offline check.

Rules
- The folder holds `checkpoint`, `log.vkey`, `tile/<L>/…` and `tile/entries/…` of one tree size; no
  payloads.
- `checkpoint` is written last and each file is renamed into place, so that a mirror being updated is always
  whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from ledger.audit import LogReport, StoredEntry, audit
from ledger.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.database import Database
from ledger.errors import NotProvenError, TileError
from ledger.merkle import HASH_BYTES
from ledger.tables import Entry, LogIdentity
from ledger.tenancy import SystemSession
from ledger.tile_store import latest_checkpoint, tile_reader
from ledger.tiles import ENTRIES, WIDTH, pack_bundle, tile_path, unpack_bundle, widths

CHECKPOINT_FILE = "checkpoint"
VKEY_FILE = "log.vkey"


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
        read = tile_reader(connection)
        for level, n, width in widths(head.size):
            hashes = read(level, n)[: width * HASH_BYTES]
            if len(hashes) != width * HASH_BYTES:
                raise TileError(f"{tile_path(level, n, width)} is incomplete: run `sigillo ledger verify`")
            _write(folder / tile_path(level, n, width), hashes)
            if level == 0:
                bundle = pack_bundle(_entries(connection, n * WIDTH, width))
                _write(folder / tile_path(ENTRIES, n, width), bundle)
                progress(n * WIDTH + width, head.size)
    _write(folder / VKEY_FILE, f"{vkey}\n".encode())
    _write(folder / CHECKPOINT_FILE, note.encode())
    return head


def verify_export(
    folder: Path, vkey: str, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> LogReport:
    """Check an exported folder against the log's key, which must come from elsewhere than the folder.

    Raises CheckpointError when the checkpoint is not the log's, OSError when the folder cannot be read.
    """
    key = VerifierKey.parse(vkey)
    note = (folder / CHECKPOINT_FILE).read_text(encoding="utf-8")
    return audit(_FolderSource(folder, note, verify_checkpoint(note, key).size), key, progress=progress)


@dataclass(frozen=True)
class _FolderSource:
    """The log as a folder has it, up to its checkpoint."""

    folder: Path
    note: str
    covered: int

    def size(self) -> int:
        return self.covered

    def entries(self) -> Iterator[StoredEntry]:
        for level, n, width in widths(self.covered):
            if level > 0:
                return
            path = self.folder / tile_path(ENTRIES, n, width)
            # A bundle that is missing or malformed shows as the gap it leaves.
            try:
                bundle = unpack_bundle(path.read_bytes(), width)
            except (FileNotFoundError, TileError):
                return
            for offset, data in enumerate(bundle):
                yield StoredEntry(n * WIDTH + offset, data)

    def tile(self, level: int, n: int) -> bytes:
        size = self.covered // WIDTH**level
        width = min(WIDTH, size - n * WIDTH)
        path = self.folder / tile_path(level, n, width)
        return path.read_bytes() if width > 0 and path.exists() else b""

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        yield self.covered, self.note


def _entries(connection: Connection, first: int, width: int) -> list[bytes]:
    window = (Entry.index >= first, Entry.index < first + width)
    return list(connection.execute(select(Entry.data).where(*window).order_by(Entry.index)).scalars())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.rename(path)
