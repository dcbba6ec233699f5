"""What must hold before a tree is signed: it extends everything that was signed before (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

from keys.high_water import Mark
from ledger.errors import ForkError, ProofError
from ledger.tree.checkpoint import TreeHead
from ledger.tree.merkle import HASH_BYTES, consistency_proof, verify_consistency
from ledger.tree.tiles import Tiles

RECOVER = "put the newest database back; if it is lost for good, see `sigillo ledger recover`"


def check_extends(head: TreeHead, last: TreeHead, tiles: Tiles, what: str) -> None:
    """A log must not sign a checkpoint that contradicts one it signed before: `last`, as told by `what`. Raises
    ForkError.
    """
    if last.size > head.size:
        raise ForkError(f"{what} of size {last.size} is signed, but only {head.size} entries are here: {RECOVER}")
    if last.size == 0:
        return
    try:
        proof = consistency_proof(last.size, head.size, tiles.subtree)
        verify_consistency(last.size, head.size, proof, last.root, head.root)
    except ProofError as error:
        raise ForkError(f"the tree does not extend {what} of size {last.size} ({error}): {RECOVER}") from error


def check_mark(head: TreeHead, mark: Mark | None, note: str | None, tiles: Tiles) -> None:
    """The same, of the mark outside the database; `note` is the database's own last checkpoint. Raises ForkError."""
    if mark is not None:
        check_extends(head, marked(head.origin, mark), tiles, "by its high-water mark, a tree")
    elif note is not None:
        raise ForkError(f"checkpoints are signed, but the high-water mark outside the database is gone: {RECOVER}")


def marked(origin: str, mark: Mark) -> TreeHead:
    """The tree that a mark is of. Raises ForkError for a mark that names none."""
    try:
        root = bytes.fromhex(mark.root)
    except ValueError:
        root = b""
    if len(root) != HASH_BYTES or mark.size < 0:
        raise ForkError(f"the high-water mark names no tree: {RECOVER}")
    return TreeHead(origin, mark.size, root)
