"""A published log as an auditor reads it: from a folder or a server, by the same paths (c2sp.org/tlog-tiles).

Rules
- Its key comes from elsewhere than the log.
- An auditor who comes back begins with what they kept. The log must still be as long, and prove that it extends the
  checkpoint they kept: two that contradict each other, both signed, convict it.
- A partial tile may be gone where the log has grown; the full one begins with the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from errno import EFBIG
from pathlib import Path
from typing import Final, Self

from ledger.auditing.audit import LogReport, audit
from ledger.auditing.faults import Fault, FaultError, FaultKind
from ledger.auditing.walk import NOTHING, Kept
from ledger.errors import CheckpointAbsentError, CheckpointError, ProofError, TileError
from ledger.publishing.source import CHECKPOINT_FILE, Fetch, StoredEntry, StoredStamp
from ledger.stamping.stamp_check import Judge
from ledger.stamping.stamps import published_stamps
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.merkle import HASH_BYTES, consistency_proof, verify_consistency
from ledger.tree.tiles import ENTRIES, WIDTH, Tiles, tile_path, unpack_bundle
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum

MAX_FILE_BYTES: Final = 1024 * 1024
"""Of one file: four times the largest bundle of our entries. A folder may be anybody's, and hold anything."""


def folder_fetch(folder: Path) -> Fetch:
    """Reads an exported folder. What it returns raises OSError, for a file that no log has, too."""

    def fetch(path: str) -> bytes | None:
        found = folder / path
        if not found.is_file():
            return None
        with found.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise OSError(EFBIG, f"larger than {MAX_FILE_BYTES} bytes, it is no log's", str(found))
        return data

    return fetch


def verify_mirror(
    fetch: Fetch,
    vkey: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    quorum: Quorum = NO_WITNESSES,
    judge: Judge | None = None,
) -> LogReport:
    """Check a whole published log against its key, and with a `judge` its stamps.

    Raises CheckpointError for a `vkey` that is none, CheckpointAbsentError, and what `fetch` raises.
    """
    key = VerifierKey.parse(vkey)
    mirror = read_mirror(fetch, key)
    return audit(mirror, key, progress=progress, quorum=quorum, judge=judge) if isinstance(mirror, Mirror) else mirror


def read_mirror(fetch: Fetch, key: VerifierKey, kept: Kept = NOTHING) -> Mirror | LogReport:
    """The log, or what is wrong with it if its checkpoint is not one by the key.

    Raises CheckpointAbsentError, and what `fetch` raises.
    """
    try:
        return Mirror.of(fetch, key)
    except CheckpointAbsentError:
        raise
    except CheckpointError as error:
        return LogReport(kept.size, kept.proven, 0, 0, 0, Fault(kept.size, FaultKind.CHECKPOINT, str(error)))


@dataclass(frozen=True)
class Mirror:
    """The log as it is published, up to its checkpoint. A `Source`."""

    fetch: Fetch
    note: str
    head: TreeHead

    @classmethod
    def of(cls, fetch: Fetch, key: VerifierKey) -> Self:
        """Raises CheckpointAbsentError, CheckpointError when it is not the log's, and what `fetch` raises."""
        data = fetch(CHECKPOINT_FILE)
        if data is None:
            raise CheckpointAbsentError(
                "there is no checkpoint: give the folder or address that has `checkpoint` in it"
            )
        note = data.decode("utf-8", "surrogateescape")
        return cls(fetch, note, verify_checkpoint(note, key))

    def size(self) -> int:
        return self.head.size

    def entries(self, first: int) -> Iterator[StoredEntry]:
        while first < self.head.size:
            n, at = divmod(first, WIDTH)
            bundle = self._bundle(n, min(WIDTH, self.head.size - n * WIDTH))
            yield from (StoredEntry(first + offset, data) for offset, data in enumerate(bundle[at:]))
            first += len(bundle) - at

    def tile(self, level: int, n: int) -> bytes:
        width = min(WIDTH, self.head.size // WIDTH**level - n * WIDTH)
        return (self._piece(level, n, width) or b"")[: width * HASH_BYTES] if width > 0 else b""

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        yield self.head.size, self.note

    def stamps(self, after: int) -> Iterator[StoredStamp]:
        """Those up to this checkpoint: a log that is read while it grows may name later ones."""
        return published_stamps(self.fetch, after + 1, self.head.size)

    def contradicts(self, before: TreeHead) -> Fault | None:
        """What is wrong if this log was what `before` says, and now is this."""
        if self.head.size < before.size:
            reason = (
                f"the checkpoint is of {self.head.size} entries, the one you kept of {before.size}: this copy is "
                "stale, or the log was rolled back"
            )
            return Fault(self.head.size, FaultKind.SHRINK, reason)
        try:
            self._check_extends(before)
        except (ProofError, TileError) as error:
            reason = (
                f"it does not prove that it extends the checkpoint of {before.size} entries you kept ({error}): keep "
                "both checkpoints, they are the evidence"
            )
            return Fault(0, FaultKind.FORK, reason)
        return None

    def _check_extends(self, before: TreeHead) -> None:
        if before.size:
            proof = consistency_proof(before.size, self.head.size, Tiles(self.tile).subtree)
            verify_consistency(before.size, self.head.size, proof, before.root, self.head.root)

    def _bundle(self, n: int, width: int) -> list[bytes]:
        """Its first `width` entries. Raises FaultError for one that is missing or malformed."""
        path, held = tile_path(ENTRIES, n, width), width
        found = self.fetch(path)
        if found is None and width < WIDTH:
            found, held = self.fetch(tile_path(ENTRIES, n)), WIDTH
        if found is None:
            raise FaultError(n * WIDTH, FaultKind.GAP, f"{path} is missing")
        try:
            return unpack_bundle(found, held)[:width]
        except TileError as error:
            raise FaultError(n * WIDTH, FaultKind.ENTRY, f"{path}: {error}") from error

    def _piece(self, level: int, n: int, width: int) -> bytes | None:
        found = self.fetch(tile_path(level, n, width))
        return self.fetch(tile_path(level, n)) if found is None and width < WIDTH else found
