"""Random and hostile sets: what is absent has a gap, what is there has none, and no root has both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import InIndexError
from detection.generations.absence_verifier import UnsoundError, check_gap
from detection.generations.prefix_tree import Gap, PrefixTree, bit
from ledger.tree.merkle import EMPTY_ROOT, leaf_hash, node_hash

# Few bytes in few places: values that share long prefixes, which random ones never do.
CLOSE = st.builds(
    lambda start, byte, end: (
        bytes(start) + bytes([byte]) + bytes(31 - start) if end is None else bytes(31) + bytes([end])
    ),
    st.integers(0, 31),
    st.integers(0, 255),
    st.none() | st.integers(0, 255),
)
VALUES = st.binary(min_size=32, max_size=32) | CLOSE
SETS = st.sets(VALUES, max_size=40)


def check(value: bytes, gap: Gap, root: bytes) -> None:
    check_gap(value, gap.other, list(gap.siblings), root)


def naive_root(values: set[bytes], depth: int = 0) -> bytes:
    """The definition, as one would write it down."""
    if not values:
        return EMPTY_ROOT
    if len(values) == 1:
        return leaf_hash(*values)
    sides = [{value for value in values if bit(value, depth) == side} for side in (0, 1)]
    return node_hash(*(naive_root(side, depth + 1) for side in sides))


def way_to(member: bytes, values: set[bytes], depth: int = 0) -> tuple[bytes, ...]:
    """The hashes beside the way to a member's own leaf."""
    if len(values) < 2:
        return ()
    mine, others = (
        {value for value in values if (bit(value, depth) == bit(member, depth)) is same} for same in (True, False)
    )
    return (naive_root(others, depth + 1), *way_to(member, mine, depth + 1))


@given(SETS)
def test_the_root_is_that_of_the_definition(values: set[bytes]) -> None:
    assert PrefixTree(values).root == PrefixTree(sorted(values, reverse=True)).root == naive_root(values)


@given(SETS, VALUES)
def test_what_is_absent_is_proved_and_what_is_there_is_not(values: set[bytes], value: bytes) -> None:
    tree = PrefixTree(values)
    if value in values:
        with pytest.raises(InIndexError):
            tree.gap(value)
    else:
        check(value, tree.gap(value), tree.root)


@given(SETS.filter(bool), st.data())
def test_no_gap_of_another_serves_a_member(values: set[bytes], data: st.DataObject) -> None:
    """Whatever is honestly proved of anybody, nobody makes of it a proof about one who is there."""
    tree, member = PrefixTree(values), data.draw(st.sampled_from(sorted(values)))
    gap = tree.gap(data.draw(VALUES.filter(lambda value: value not in values)))
    depth = data.draw(st.integers(0, len(gap.siblings)))
    other = data.draw(st.sampled_from([None, gap.other, *sorted(values)]))
    for siblings in (gap.siblings, gap.siblings[:depth], (*gap.siblings, EMPTY_ROOT), gap.siblings[::-1]):
        with pytest.raises(UnsoundError):
            check(member, Gap(other, siblings), tree.root)


@given(SETS.filter(bool), st.data())
def test_whoever_made_the_tree_a_member_is_not_absent(values: set[bytes], data: st.DataObject) -> None:
    """The way to a member's leaf with its true siblings, cut short or drawn out, and anything in the leaf's place."""
    member = data.draw(st.sampled_from(sorted(values)))
    tree, way = PrefixTree(values), way_to(member, values)
    assert len(way) <= 256
    for depth in range(len(way) + 1):
        for other in (None, *sorted(values)):
            with pytest.raises(UnsoundError):
                check(member, Gap(other, way[:depth]), tree.root)


@given(SETS, VALUES, st.data())
def test_each_part_of_a_gap_counts(values: set[bytes], value: bytes, data: st.DataObject) -> None:
    values -= {value}
    tree = PrefixTree(values)
    gap = tree.gap(value)
    flipped = bytearray(b"".join(gap.siblings) + (gap.other or b""))
    if flipped:
        at = data.draw(st.integers(0, 8 * len(flipped) - 1))
        flipped[at >> 3] ^= 1 << (at & 7)
        parts = [bytes(flipped[start : start + 32]) for start in range(0, len(flipped), 32)]
        other = parts.pop() if gap.other else None
        with pytest.raises(UnsoundError):
            check(value, Gap(other, tuple(parts)), tree.root)
    for forged in (Gap(gap.other, gap.siblings[1:]), Gap(gap.other, (*gap.siblings, bytes(32)))):
        if forged != gap:
            with pytest.raises(UnsoundError):
                check(value, forged, tree.root)


def test_known_roots() -> None:
    """By hand: none, one, the two ends, and two that share all bits but the last."""
    low, high, next_to = bytes(32), b"\xff" * 32, bytes(31) + b"\x01"
    assert PrefixTree([]).root == EMPTY_ROOT
    assert PrefixTree([low]).root == leaf_hash(low)
    assert PrefixTree([low, high]).root == node_hash(leaf_hash(low), leaf_hash(high))
    deep = node_hash(leaf_hash(low), leaf_hash(next_to))
    for _ in range(255):
        deep = node_hash(deep, EMPTY_ROOT)
    assert PrefixTree([low, next_to]).root == deep


def test_the_edges() -> None:
    low, high = bytes(32), b"\xff" * 32
    assert PrefixTree([]).gap(low) == Gap(None, ())
    assert PrefixTree([high]).gap(low) == Gap(high, ())
    within = [b"\x40" + bytes(31), b"\x60" + bytes(31)]
    middle, leaves = PrefixTree(within), [leaf_hash(value) for value in within]
    assert middle.gap(low) == Gap(None, (EMPTY_ROOT, node_hash(*leaves)))
    assert middle.gap(high) == Gap(None, (node_hash(EMPTY_ROOT, node_hash(*leaves)),))


def test_a_value_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PrefixTree([b"short"])


def test_a_larger_set_whose_hashes_are_kept() -> None:
    values = [node_hash(bytes([n >> 8]), bytes([n & 255])) for n in range(3000)]
    tree = PrefixTree(values)
    assert tree.root == naive_root(set(values))
    for value in (leaf_hash(value) for value in values[:300]):
        check(value, tree.gap(value), tree.root)
    with pytest.raises(InIndexError):
        tree.gap(values[7])
