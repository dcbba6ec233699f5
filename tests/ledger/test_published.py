"""Every path of the tree gives what a mirror holds; no other path gives anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import TileNotFoundError
from ledger.tree.merkle import HASH_BYTES
from ledger.tree.tiles import ENTRIES, WIDTH, parse_tile_path, tile_path, unpack_bundle
from tests.ledger.publishing import Published, grow, publish
from tests.ledger.world import LONG, World, running

ENTRIES_COUNT = 600


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three tiles' worth of entries, proven, and one more that is not."""
    with running(tmp_path_factory.mktemp("published") / "log.db", interval=LONG * 10) as started:
        tenant = started.ledger.create_tenant("first")
        grow(started, ENTRIES_COUNT)
        started.write_note(tenant, "not proven yet")
        yield started


@pytest.fixture
def mirror(world: World, tmp_path: Path) -> Published:
    return publish(world, tmp_path)


def test_every_file_of_a_mirror_is_served_by_its_path(world: World, mirror: Published) -> None:
    tiles = {path: data for path, data in mirror.files.items() if path.startswith("tile/")}
    assert {path: world.ledger.published(path) for path in tiles} == tiles


@pytest.mark.parametrize("width", [1, 87, 255])
def test_partial_tiles_are_the_beginning_of_full_ones(world: World, width: int) -> None:
    hashes = world.ledger.published(tile_path(0, 1, width))
    assert hashes == world.ledger.published("tile/0/001")[: width * HASH_BYTES]
    bundle = unpack_bundle(world.ledger.published(tile_path(ENTRIES, 1, width)), width)
    assert bundle == unpack_bundle(world.ledger.published("tile/entries/001"), WIDTH)[:width]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002",  # not full yet
        "tile/0/002.p/89",  # the last hash is under no checkpoint yet
        "tile/entries/002.p/89",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/0/003.p/1",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/088",
        "tile/0/x000/000",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/../checkpoint",
        "checkpoint",
        "",
    ],
)
def test_what_the_tree_does_not_have_is_not_found(world: World, path: str) -> None:
    with pytest.raises(TileNotFoundError):
        world.ledger.published(path)


@given(st.one_of(st.integers(0, 63), st.just(ENTRIES)), st.integers(0, 2**54), st.integers(1, WIDTH))
def test_paths_have_one_spelling(level: int | str, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)


@given(st.from_regex(r"tile/(entries|[0-9]{1,3})/[x0-9/]{0,12}(\.p/[0-9]{1,4})?", fullmatch=True))
def test_other_spellings_are_refused(path: str) -> None:
    try:
        level, n, width = parse_tile_path(path)
    except TileNotFoundError:
        return
    assert tile_path(level, n, width) == path
