"""The Merkle tree of RFC 6962: pure functions over hashes, no storage.

Rules
- Generators ask `subtree(lo, hi)` for the hash of leaves [lo, hi); the verifiers share nothing with them
  but `leaf_hash` and `node_hash`, and follow RFC 9162 sections 2.1.3.2 and 2.1.4.2 step by step.
- Verifiers check sizes before they hash, and raise ProofError; they never return False.
- The consistency verifier refuses an old size of 0: every tree extends the empty one, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import TypeAlias

from ledger.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree: TypeAlias = Callable[[int, int], bytes]
"""The hash of leaves [lo, hi), lo < hi."""


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size` (≥ 2): where a tree divides."""
    return 1 << (size - 1).bit_length() - 1


def perfect_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, one behind the other."""
    pair = 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        pairs = (hashes[at : at + pair] for at in range(0, len(hashes), pair))
        hashes = b"".join([sha256(b"\x01" + each).digest() for each in pairs])
    return hashes


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Hashes from the leaf's sibling up (RFC 6962 section 2.1.1). Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    lo, hi, proof = 0, size, []
    while hi - lo > 1:
        middle = lo + split(hi - lo)
        if index < middle:
            proof.append(subtree(middle, hi))
            hi = middle
        else:
            proof.append(subtree(lo, middle))
            lo = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Hashes proving that the first `old` of `new` leaves are unchanged (RFC 6962 section 2.1.2).

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new}")
    lo, hi, proof, whole = 0, new, [], True
    while hi > old:
        middle = lo + split(hi - lo)
        if old <= middle:
            proof.append(subtree(middle, hi))
            hi = middle
        else:
            proof.append(subtree(lo, middle))
            lo, whole = middle, False
    if not whole:
        proof.append(subtree(lo, hi))
    return proof[::-1]


def range_proof(first: int, end: int, size: int, subtree: Subtree) -> list[bytes]:
    """The largest subtrees outside leaves [first, end), from left to right: with the leaves, they make the root.

    Raises ValueError unless 0 <= first < end <= size.
    """
    if not 0 <= first < end <= size:
        raise ValueError(f"no range {first} to {end} in a tree of {size}")
    proof, waiting = [], [(0, size)]
    while waiting:
        lo, hi = waiting.pop()
        if hi <= first or end <= lo:
            proof.append(subtree(lo, hi))
        elif not first <= lo <= hi <= end:
            middle = lo + split(hi - lo)
            waiting += [(middle, hi), (lo, middle)]
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2. Raises ProofError unless `leaf` is at `index` of the tree with `root`."""
    _check_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofError(f"index {index} is not in a tree of {size}")
    current = leaf
    for sibling, is_left in _siblings(index, size - 1, proof):
        current = node_hash(sibling, current) if is_left else node_hash(current, sibling)
    if current != root:
        raise ProofError("the inclusion proof leads to another root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 section 2.1.4.2. Raises ProofError unless the new tree extends the old one."""
    _check_hashes(old_root, new_root, *proof)
    if not 0 < old <= new or bool(proof) != (old < new):
        raise ProofError(f"no such proof goes from size {old} to {new}")
    if old == new:
        node, last, path = 0, 0, [old_root]
    else:
        # The leaf `old - 1` ends a perfect subtree, where the path begins: the whole old tree if its size is 2^k.
        rise = (old & -old).bit_length() - 1
        node, last = (old - 1) >> rise, (new - 1) >> rise
        path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    first = second = path[0]
    for sibling, is_left in _siblings(node, last, path[1:]):
        first = node_hash(sibling, first) if is_left else first
        second = node_hash(sibling, second) if is_left else node_hash(second, sibling)
    if (first, second) != (old_root, new_root):
        raise ProofError("the consistency proof leads to other roots")


def _siblings(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof with whether it stands to the left; RFC 9162's walk of `fn` and `sn`."""
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        is_left = bool(node & 1) or node == last
        yield sibling, is_left
        while is_left and node and not node & 1:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError(f"every hash has {HASH_BYTES} bytes")
