from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import TileError
from ledger.tree.merkle import HASH_BYTES, leaf_hash
from ledger.tree.tiles import (
    WIDTH,
    Growth,
    Tiles,
    pack_bundle,
    tile_path,
    unpack_bundle,
    widths,
)
from tests.ledger.test_merkle import tree

COUNT = 70_000
LEAVES = [leaf_hash(n.to_bytes(3, "big")) for n in range(1_000)]


def split_hashes(hashes: bytes) -> list[bytes]:
    """The 32-byte hashes of a tile."""
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


class Memory(dict[tuple[int, int], bytes]):
    def read(self, level: int, n: int) -> bytes:
        return self.get((level, n), b"")


def test_paths_as_the_specification_writes_them() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 5) == "tile/2/000.p/5"
    assert tile_path("entries", 1000, 255) == "tile/entries/x001/000.p/255"
    assert tile_path(0, 999) == "tile/0/999"


def test_the_tiles_of_the_specifications_example() -> None:
    tiles = list(widths(COUNT))
    level0 = [width for level, _, width in tiles if level == 0]
    assert (level0.count(WIDTH), level0[-1]) == (273, 112)
    assert [width for level, _, width in tiles if level == 1] == [256, 17]
    assert [width for level, _, width in tiles if level == 2] == [1]
    assert list(widths(256)) == [(0, 0, 256), (1, 0, 1)]
    assert not list(widths(0))


def test_growth_makes_the_specifications_tiles_and_the_trees_root() -> None:
    memory = Memory(Growth(0, Memory().read).extend(leaf_hash(n.to_bytes(3, "big")) for n in range(COUNT)))
    assert {key: len(data) // HASH_BYTES for key, data in memory.items()} == {
        (level, n): width for level, n, width in widths(COUNT)
    }
    leaves = [hash_ for (level, _), tile in sorted(memory.items()) if level == 0 for hash_ in split_hashes(tile)]
    assert Tiles(memory.read).root(COUNT) == tree(leaves)(0, COUNT)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 400), max_size=4))
def test_growing_in_steps_is_growing_at_once(steps: list[int]) -> None:
    memory, size = Memory(), 0
    for step in steps:
        step = min(step, len(LEAVES) - size)  # noqa: PLW2901 - clipped to what there is
        memory.update(Growth(size, memory.read).extend(LEAVES[size : size + step]))
        size += step
    once = Memory(Growth(0, Memory().read).extend(LEAVES[:size]))
    assert memory == once
    if size:
        assert Tiles(memory.read).root(size) == tree(LEAVES)(0, size)


@given(st.integers(0, 998), st.integers(1, 999))
def test_every_subtree_is_that_of_the_plain_tree(lo: int, length: int) -> None:
    hi = min(lo + length, len(LEAVES))
    assert Tiles(FULL.read).subtree(lo, hi) == tree(LEAVES)(lo, hi)


FULL = Memory(Growth(0, Memory().read).extend(LEAVES))


def test_an_edge_that_is_not_of_its_size_is_refused() -> None:
    with pytest.raises(TileError):
        Growth(len(LEAVES) - 1, FULL.read)
    with pytest.raises(TileError):
        Tiles(FULL.read).root(len(LEAVES) + 1)


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_bundles_come_back_whole(entries: list[bytes]) -> None:
    bundle = pack_bundle(entries)
    assert unpack_bundle(bundle, len(entries)) == entries
    for wrong, width in ((bundle + b"\0", len(entries)), (bundle, len(entries) + 1)):
        with pytest.raises(TileError):
            unpack_bundle(wrong, width)
    if bundle:
        with pytest.raises(TileError):
            unpack_bundle(bundle[:-1], len(entries))
