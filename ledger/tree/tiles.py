"""The tree as tiles (c2sp.org/tlog-tiles): paths, bundles, hashes of any subtree, and growth.

Rules
- A full tile is 256 hashes; at level L each is the root of a full tile of level L-1. A partial tile is
  never hashed upward.
- `Tiles` reads through one function, so that the same code proves from the database, a folder, or memory.
- What a tile claims is checked where it is trusted: a proof's verifier, `ledger.audit`; never here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from ledger.errors import TileError, TileNotFoundError
from ledger.tree.merkle import HASH_BYTES, node_hash, perfect_root, split

HEIGHT = 8
WIDTH = 1 << HEIGHT
FULL_BYTES = WIDTH * HASH_BYTES
ENTRIES = "entries"
HELD = 32
"""Tiles held while proofs are made: a proof takes several hashes from each tile on its way up."""

_LENGTH_BYTES = 2
_PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

TileReader: TypeAlias = Callable[[int, int], bytes]
"""The stored hashes of tile `n` at `level`; empty when there is none."""


def tile_path(level: int | str, n: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`; `level` may be `entries`, for bundles."""
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def parse_tile_path(path: str) -> tuple[int | str, int, int]:
    """What `tile_path` was given for this path. Raises TileNotFoundError for what it never gives."""
    found = _PATH.fullmatch(path)
    if found is not None:
        level = ENTRIES if found[1] == ENTRIES else int(found[1])
        n, width = int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH)
        if tile_path(level, n, width) == path:
            return level, n, width
    raise TileNotFoundError(f"{path!r} is not the path of a tile: `tile/<level>/<number>[.p/<width>]` (tlog-tiles)")


def widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile (level, n, width) of a tree of that size, empty ones left out."""
    level = 0
    while size:
        yield from ((level, n, min(WIDTH, size - n * WIDTH)) for n in range(-(-size // WIDTH)))
        level, size = level + 1, size // WIDTH


def pack_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries of one bundle, each behind its big-endian 16-bit length."""
    return b"".join(len(data).to_bytes(_LENGTH_BYTES, "big") + data for data in entries)


def unpack_bundle(bundle: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises TileError unless that is exactly what it holds."""
    entries: list[bytes] = []
    at = 0
    while at + _LENGTH_BYTES <= len(bundle) and len(entries) < width:
        end = at + _LENGTH_BYTES + int.from_bytes(bundle[at : at + _LENGTH_BYTES], "big")
        entries.append(bundle[at + _LENGTH_BYTES : end])
        at = end
    if at != len(bundle) or len(entries) != width:
        raise TileError(f"the bundle does not hold exactly {width} entries")
    return entries


class Tiles:
    """Hashes of any subtree, from tiles read one by one. For one snapshot: what was read is not read again."""

    def __init__(self, read: TileReader) -> None:
        self._read = lru_cache(HELD)(read)

    def root(self, size: int) -> bytes:
        """The root of the first `size` (≥ 1) leaves. Raises TileError."""
        return self.subtree(0, size)

    def subtree(self, lo: int, hi: int) -> bytes:
        """The hash of leaves [lo, hi), lo < hi. Raises TileError where a tile is missing."""
        size = hi - lo
        if size & (size - 1) == 0 and lo % size == 0:
            return self._perfect(lo, size)
        middle = lo + split(size)
        return node_hash(self.subtree(lo, middle), self.subtree(middle, hi))

    def _perfect(self, lo: int, size: int) -> bytes:
        height = size.bit_length() - 1
        level = height // HEIGHT
        first, count = lo >> (HEIGHT * level), 1 << height % HEIGHT
        n, offset = divmod(first, WIDTH)
        hashes = self._read(level, n)[offset * HASH_BYTES : (offset + count) * HASH_BYTES]
        if len(hashes) != count * HASH_BYTES:
            raise TileError(f"{tile_path(level, n)} does not reach hash {offset + count - 1}")
        return perfect_root(hashes)


class Growth:
    """Appending leaves: holds the rightmost tile of each level, yields each tile that changed."""

    def __init__(self, size: int, read: TileReader) -> None:
        """Continue a tree of `size` leaves. Raises TileError when its right edge is not of that size."""
        self.size = size
        self._edge: list[bytearray] = []
        self._n: list[int] = []
        while size:
            n, width = divmod(size, WIDTH)
            edge = bytearray(read(len(self._edge), n)) if width else bytearray()
            if len(edge) != width * HASH_BYTES:
                raise TileError(f"{tile_path(len(self._edge), n)} holds {len(edge)} bytes, not {width} hashes")
            self._edge.append(edge)
            self._n.append(n)
            size = n

    def extend(self, leaves: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
        """Append leaf hashes; the new content of every tile (level, n) that changed."""
        changed: dict[tuple[int, int], bytes] = {}
        for leaf in leaves:
            self._append(0, leaf, changed)
            self.size += 1
        for level, edge in enumerate(self._edge):
            if edge:
                changed[level, self._n[level]] = bytes(edge)
        return changed

    def _append(self, level: int, value: bytes, changed: dict[tuple[int, int], bytes]) -> None:
        if level == len(self._edge):
            self._edge.append(bytearray())
            self._n.append(0)
        edge = self._edge[level]
        edge += value
        if len(edge) < FULL_BYTES:
            return
        changed[level, self._n[level]] = full = bytes(edge)
        edge.clear()
        self._n[level] += 1
        self._append(level + 1, perfect_root(full), changed)
