"""A Merkle tree over a set of 32-byte values, in which a value's own bits say where it would be.

Rules
- Hashes are RFC 6962's: a leaf `H(00 ‖ value)`, a node `H(01 ‖ left ‖ right)`, nothing `H("")`. At depth n, values
  whose bit n is 0 are to the left. A branch with one value in it is that value's leaf, whatever its depth.
- So leaves stand sorted, and a value has one place. What is there (nothing, or another value's leaf) with the hashes
  beside the way to it is the proof that it is absent. Whoever made the tree: under one root no value is both absent
  and there, which neighbours in a sorted list do not show, for nobody sees whether the list is sorted (ADR 0025).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from detection.errors import InIndexError
from ledger.tree.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash

KEPT_FROM: Final = 64
"""Hashes over so many values are kept: a gap costs the hashing of few."""


@dataclass(frozen=True)
class Gap:
    """Where a value would be, and is not."""

    other: bytes | None
    """The one value of that branch; None where it is empty."""

    siblings: tuple[bytes, ...]
    """The hashes beside the way, from the root down."""


class PrefixTree:
    """The tree of one set."""

    def __init__(self, values: Iterable[bytes]) -> None:
        """Raises ValueError for a value that has not 32 bytes."""
        self._values = sorted(set(values))
        if any(len(value) != HASH_BYTES for value in self._values):
            raise ValueError(f"every value has {HASH_BYTES} bytes")
        self._kept: dict[tuple[int, int, int], bytes] = {}
        self.size = len(self._values)
        self.root = self._hash(0, self.size, 0)

    def gap(self, value: bytes) -> Gap:
        """The proof that a value is absent. Raises InIndexError for one that is there."""
        lo, hi, siblings = 0, self.size, list[bytes]()
        while hi - lo > 1:
            depth = len(siblings)
            middle = self._middle(lo, hi, depth)
            if bit(value, depth):
                siblings.append(self._hash(lo, middle, depth + 1))
                lo = middle
            else:
                siblings.append(self._hash(middle, hi, depth + 1))
                hi = middle
        other = self._values[lo] if lo < hi else None
        if other == value:
            raise InIndexError
        return Gap(other, tuple(siblings))

    def _hash(self, lo: int, hi: int, depth: int) -> bytes:
        """Of the branch at this depth with values [lo, hi)."""
        if hi - lo < 2:
            return leaf_hash(self._values[lo]) if lo < hi else EMPTY_ROOT
        if (kept := self._kept.get((lo, hi, depth))) is not None:
            return kept
        middle = self._middle(lo, hi, depth)
        found = node_hash(self._hash(lo, middle, depth + 1), self._hash(middle, hi, depth + 1))
        if hi - lo >= KEPT_FROM:
            self._kept[lo, hi, depth] = found
        return found

    def _middle(self, lo: int, hi: int, depth: int) -> int:
        """Where, of values that agree in the bits before, those begin whose bit at this depth is 1."""
        last = self._values[hi - 1]
        if not bit(last, depth):
            return hi
        # The least that has this bit and the bits before it; bytes that end sooner sort first.
        byte = depth >> 3
        least = last[:byte] + bytes([last[byte] & -(0x80 >> (depth & 7)) & 0xFF])
        return bisect_left(self._values, least, lo, hi)


def bit(value: bytes, depth: int) -> int:
    """0 or 1; the first is the highest of the first byte."""
    return value[depth >> 3] >> (7 - (depth & 7)) & 1
