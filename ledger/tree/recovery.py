"""Going on from a database that stands behind what was signed: explicit, in two steps, and itself an entry.

Rules
- It is for a database that is lost for good. What was signed beyond it stays signed, and convicts whoever holds both:
  the entry says so first, and a log that recovered must be able to explain it.
- The first step tells what is lost and gives a word; the second wants the word, so that nobody confirms unread.
- The entry comes before the mark is lowered (invariant 3). Interrupted in between, both steps are done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

from keys.high_water import HighWater, Mark
from ledger.decisions import LogRecovered
from ledger.errors import ForkError, ProofError, RecoveryRefusedError, TileError
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.guard import check_extends, check_mark
from ledger.tree.merkle import EMPTY_ROOT
from ledger.tree.tile_store import integrated_size, latest_checkpoint, tile_reader
from ledger.tree.tiles import Tiles
from ledger.witnessing.witnesses import Standing


@dataclass(frozen=True)
class Recovery:
    """What was signed, by the mark, and by the database's own last checkpoint."""

    mark: Mark | None
    last: Mark
    """Of size 0 where nothing was signed."""

    reason: str
    """Why nothing is signed now; empty when there is nothing to recover from."""

    witnessed: tuple[Standing, ...] = ()
    """Witnesses that saw what is not here. They will not cosign again, unless their operators let go of it."""

    @property
    def word(self) -> str:
        """Confirms that exactly this was read."""
        seen = [(str(one.key), one.objection) for one in self.witnessed]
        return sha256(repr((self.mark, self.last, *seen)).encode()).hexdigest()[:16]

    def require(self, word: str) -> None:
        """Raises RecoveryRefusedError unless it is needed, and this is its word."""
        if not self.reason:
            raise RecoveryRefusedError("there is nothing to recover from: the log extends all that was signed")
        if word != self.word:
            raise RecoveryRefusedError(
                f"read what would be lost, then confirm with its word, {self.word}: {self.reason}"
            )

    @property
    def payload(self) -> LogRecovered:
        """What the ledger says of it."""
        size, root = (self.mark.size, self.mark.root) if self.mark else (None, "")
        seen = max((one.objection or 0 for one in self.witnessed), default=0)
        if seen > (size or 0):
            size, root = seen, ""
        return LogRecovered(size, root, self.last.size, self.last.root)


def recovery(
    connection: Connection, key: VerifierKey, high_water: HighWater, witnessed: tuple[Standing, ...] = ()
) -> Recovery:
    """How the database stands to its mark, and to what its witnesses saw.

    Raises KeyStoreUnavailableError, CheckpointError, TileError, RecoveryRefusedError.
    """
    mark, note = high_water.read(), latest_checkpoint(connection)
    head = verify_checkpoint(note, key) if note else TreeHead(key.origin, 0, EMPTY_ROOT)
    last = Mark(head.size, head.root.hex())
    size, tiles = integrated_size(connection), Tiles(tile_reader(connection))
    here = TreeHead(key.origin, size, tiles.root(size) if size else EMPTY_ROOT)
    try:
        check_extends(here, head, tiles, "a checkpoint")
    except (ForkError, ProofError, TileError) as error:
        raise RecoveryRefusedError(
            f"the database contradicts itself, not its mark: run `sigillo ledger verify` [{error}]"
        ) from error
    reasons = [one.error for one in witnessed]
    try:
        check_mark(here, mark, note, tiles)
    except ForkError as error:
        reasons.insert(0, str(error))
    return Recovery(mark, last, "; ".join(reasons), witnessed)
