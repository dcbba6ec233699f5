"""What the log publishes: tiles of hashes and bundles of entries, as far as the checkpoint it shows reaches; stamps.

Rules (c2sp.org/tlog-tiles)
- A path that is served once gives the same bytes for ever; of a tile that has filled up, the partial ones too.
- Nothing that no checkpoint covers is given away: whoever reads a tile can check it.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.errors import NotProvenError, TileError, TileNotFoundError
from ledger.publishing.publication import PLAIN, Publication
from ledger.publishing.source import CHECKPOINT_FILE, VKEY_FILE, Fetch
from ledger.stamping.stamps import FOLDER, INDEX_FILE, stamp_file
from ledger.storage.tables import Entry, LogIdentity, stored_bytes
from ledger.tree.merkle import HASH_BYTES
from ledger.tree.tile_store import tile_reader
from ledger.tree.tiles import ENTRIES, WIDTH, pack_bundle, parse_tile_path, tile_path


def fetching(connection: Connection, publication: Publication = PLAIN) -> Fetch:
    """Everything that is published as this snapshot has it. Raises NotProvenError before the first checkpoint; what it
    returns raises TileError where something is missing.
    """
    shown = publication.newest(connection)
    vkey = connection.execute(select(LogIdentity.vkey)).scalar()
    if shown is None or vkey is None:
        raise NotProvenError("nothing is published yet: no checkpoint has been signed, or none that witnesses saw")
    size, files = shown.size, {CHECKPOINT_FILE: shown.note.encode(), VKEY_FILE: f"{vkey}\n".encode()}

    def fetch(path: str) -> bytes | None:
        try:
            return files.get(path) or published(connection, path, size)
        except TileNotFoundError:
            return None

    return fetch


def published(connection: Connection, path: str, size: int) -> bytes:
    """The bytes of one tile, bundle or file of stamps, by its path, of the tree of the first `size` entries.

    Raises TileNotFoundError for a path that this tree does not have, TileError where stored hashes or entries are
    missing.
    """
    if path.startswith(f"{FOLDER}/"):
        if stamp := stamp_file(connection, path):
            return stamp
        raise TileNotFoundError(f"there is no {path!r}: {INDEX_FILE} names the stamps, once there are any")
    level, n, width = parse_tile_path(path)
    height = 0 if level == ENTRIES else int(level)
    if n * WIDTH + width > size // WIDTH**height:
        raise TileNotFoundError(f"a log of {size} entries has no {path}")
    found = _bundle(connection, n, width) if level == ENTRIES else _hashes(connection, height, n, width)
    if not found:
        raise TileError(f"{tile_path(level, n, width)} is incomplete: run `sigillo ledger verify`")
    return found


def _hashes(connection: Connection, level: int, n: int, width: int) -> bytes:
    hashes = tile_reader(connection)(level, n)[: width * HASH_BYTES]
    return hashes if len(hashes) == width * HASH_BYTES else b""


def _bundle(connection: Connection, n: int, width: int) -> bytes:
    window = (Entry.index >= n * WIDTH, Entry.index < n * WIDTH + width)
    entries = connection.execute(select(stored_bytes(Entry.data)).where(*window).order_by(Entry.index)).scalars().all()
    return pack_bundle(entries) if len(entries) == width else b""
