"""The tree in the database: tiles read and written, the checkpoints over them, and where both end."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.storage.tables import Checkpoint, Tile
from ledger.tree.merkle import HASH_BYTES
from ledger.tree.tiles import WIDTH, TileReader

# Built once: every proof reads several tiles, and to build one of these takes as long as to run it.
_TILE = select(Tile.hashes).where(Tile.level == bindparam("level"), Tile.n == bindparam("n"))
_LAST = select(Tile.n, Tile.hashes).where(Tile.level == 0).order_by(Tile.n.desc()).limit(1)
_DROP = delete(Tile).where(Tile.level == bindparam("at_level"), Tile.n == bindparam("at_n"))
_LATEST = select(Checkpoint.note).order_by(Checkpoint.size.desc()).limit(1)
_SIGNED = select(Checkpoint.size).order_by(Checkpoint.size.desc()).limit(1)


def tile_reader(connection: Connection) -> TileReader:
    """Tiles as this connection's snapshot has them."""

    def read(level: int, n: int) -> bytes:
        return connection.execute(_TILE, {"level": level, "n": n}).scalar() or b""

    return read


def integrated_size(connection: Connection) -> int:
    """How many leaves the stored tree has."""
    last = connection.execute(_LAST).one_or_none()
    return last.n * WIDTH + len(last.hashes) // HASH_BYTES if last else 0


def leaf_at(connection: Connection, index: int) -> bytes:
    """The hash of one leaf; empty where the stored tree does not have it."""
    n, at = divmod(index, WIDTH)
    return tile_reader(connection)(0, n)[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def store_tiles(connection: Connection, changed: Mapping[tuple[int, int], bytes]) -> None:
    """Replace these tiles (level, n)."""
    rows = [{"level": level, "n": n, "hashes": hashes} for (level, n), hashes in changed.items()]
    keys = [{"at_level": row["level"], "at_n": row["n"]} for row in rows]
    connection.execute(_DROP, keys)
    connection.execute(insert(Tile), rows)


def latest_checkpoint(connection: Connection) -> str | None:
    """The checkpoint of the largest tree, shown or not; None before the first."""
    return connection.execute(_LATEST).scalar()


def signed_size(connection: Connection) -> int:
    """How many entries that covers."""
    return connection.execute(_SIGNED).scalar() or 0
