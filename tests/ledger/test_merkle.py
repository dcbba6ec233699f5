from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ProofError
from ledger.tree.merkle import (
    EMPTY_ROOT,
    Subtree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    perfect_root,
    split,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of the certificate-transparency sources: eight leaves, the root after each.
REFERENCE_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
REFERENCE_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(leaves: list[bytes]) -> Subtree:
    """RFC 6962 section 2.1, word for word."""

    def mth(lo: int, hi: int) -> bytes:
        if hi - lo == 1:
            return leaves[lo]
        middle = lo + split(hi - lo)
        return node_hash(mth(lo, middle), mth(middle, hi))

    return mth


REFERENCE = tree([leaf_hash(leaf) for leaf in REFERENCE_LEAVES])


def hexes(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_reference_roots() -> None:
    assert sha256(b"").digest() == EMPTY_ROOT
    assert [REFERENCE(0, size).hex() for size in range(1, 9)] == REFERENCE_ROOTS
    assert perfect_root(b"".join(map(leaf_hash, REFERENCE_LEAVES))).hex() == REFERENCE_ROOTS[7]


def test_reference_inclusion_proof() -> None:
    assert inclusion_proof(0, 8, REFERENCE) == hexes(
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    )


def test_reference_consistency_proof() -> None:
    assert consistency_proof(6, 8, REFERENCE) == hexes(
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    )


LEAVES = [leaf_hash(n.to_bytes(2, "big")) for n in range(300)]
MTH = tree(LEAVES)


def test_every_proof_of_small_trees_verifies() -> None:
    for size in range(1, 34):
        for index in range(size):
            proof = inclusion_proof(index, size, MTH)
            verify_inclusion(index, size, LEAVES[index], proof, MTH(0, size))
        for old in range(1, size + 1):
            verify_consistency(old, size, consistency_proof(old, size, MTH), MTH(0, old), MTH(0, size))


@given(st.data())
def test_proofs_verify_at_their_place_only(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(index, size, MTH), MTH(0, size)
    verify_inclusion(index, size, LEAVES[index], proof, root)
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
    with pytest.raises(ProofError):
        verify_inclusion(elsewhere, size, LEAVES[index], proof, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, LEAVES[elsewhere], proof, root)


Change = Callable[[list[bytes]], list[bytes]]
CHANGES: dict[str, Change] = {
    "shorter": lambda proof: proof[:-1],
    "without its first": lambda proof: proof[1:],
    "longer": lambda proof: [*proof, bytes(32)],
    "begun twice": lambda proof: [proof[0], *proof],
    "a bit": lambda proof: [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]],
    "last bit": lambda proof: [*proof[:-1], proof[-1][:-1] + bytes([proof[-1][-1] ^ 0x80])],
    "a short hash": lambda proof: [proof[0][:-1], *proof[1:]],
    "a long hash": lambda proof: [proof[0] + b"\0", *proof[1:]],
    "empty": lambda _: [],
}


@settings(max_examples=30)
@pytest.mark.parametrize("change", CHANGES)
@given(st.data())
def test_forged_proofs_are_refused(change: str, data: st.DataObject) -> None:
    new = data.draw(st.integers(3, 300))
    old = data.draw(st.integers(1, new - 1))
    forge = CHANGES[change]
    inclusion, consistency = inclusion_proof(old, new, MTH), consistency_proof(old, new, MTH)
    with pytest.raises(ProofError):
        verify_inclusion(old, new, LEAVES[old], forge(inclusion), MTH(0, new))
    with pytest.raises(ProofError):
        verify_consistency(old, new, forge(consistency), MTH(0, old), MTH(0, new))


@given(st.integers(1, 299), st.integers(1, 300))
def test_consistency_refuses_other_roots(old: int, new: int) -> None:
    if old >= new:
        return
    proof, wrong = consistency_proof(old, new, MTH), bytes(32)
    verify_consistency(old, new, proof, MTH(0, old), MTH(0, new))
    with pytest.raises(ProofError):
        verify_consistency(old, new, proof, wrong, MTH(0, new))
    with pytest.raises(ProofError):
        verify_consistency(old, new, proof, MTH(0, old), wrong)


def test_sizes_are_checked_before_anything_else() -> None:
    root = MTH(0, 4)
    for index, size in ((-1, 4), (4, 4), (0, 0), (5, 4)):
        with pytest.raises(ProofError):
            verify_inclusion(index, size, LEAVES[0], [], root)
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(index, size, MTH)
    for old, new in ((0, 4), (5, 4), (-1, 4)):
        with pytest.raises(ProofError):
            verify_consistency(old, new, [root], root, root)
        with pytest.raises(ValueError, match="no proof"):
            consistency_proof(old, new, MTH)


def test_a_proof_for_another_size_is_refused_though_its_hashes_fit() -> None:
    leaf, sibling = LEAVES[0], LEAVES[1]
    with pytest.raises(ProofError, match="too long"):
        verify_inclusion(0, 1, leaf, [sibling], node_hash(sibling, leaf))
    with pytest.raises(ProofError, match="too short"):
        verify_inclusion(0, 2, leaf, [], leaf)
    with pytest.raises(ProofError, match="not in a tree"):
        verify_inclusion(5, 1, leaf, [], leaf)
    with pytest.raises(ProofError, match="too long"):
        verify_consistency(1, 2, [sibling, sibling], leaf, MTH(0, 2))


def test_one_size_needs_one_root_and_no_proof() -> None:
    root = MTH(0, 4)
    verify_consistency(4, 4, [], root, root)
    with pytest.raises(ProofError):
        verify_consistency(4, 4, [root], root, root)
    with pytest.raises(ProofError):
        verify_consistency(4, 4, [], root, MTH(0, 3))
    with pytest.raises(ProofError):
        verify_consistency(3, 4, [], MTH(0, 3), MTH(0, 3))
