"""Checking a whole log again, from its entries up: the first bad index, and why.

Rules
- Nothing stored is believed: every entry is parsed, chained and hashed; tiles and checkpoints are compared
  with what the entries make; each checkpoint's signature is verified.
- One pass serves the database and an exported folder; both are a `Source`.
- The tree is rebuilt here by merging (a stack of perfect subtrees), not by the code that wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ledger.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.entry import FIRST_PREV, Entry, entry_milliseconds, parse_entry
from ledger.errors import CheckpointError, EntryMalformedError, LedgerError
from ledger.ids import EntryId
from ledger.merkle import HASH_BYTES, leaf_hash, node_hash
from ledger.tiles import HEIGHT, WIDTH, tile_path

PROGRESS_EVERY = 1_024


class FaultKind(StrEnum):
    """Which check failed."""

    ENTRY = "entry"
    GAP = "gap"
    ID = "id"
    PREV = "prev"
    TIME = "time"
    TILE = "tile"
    CHECKPOINT = "checkpoint"
    PAYLOAD = "payload"


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong: the index of the first entry it puts in doubt."""

    index: int
    kind: FaultKind
    reason: str


@dataclass(frozen=True)
class LogReport:
    """What a check of a whole log found."""

    entries: int
    """Entries that passed, from index 0 on."""

    proven: int
    """How many of them a checkpoint that verifies covers."""

    checkpoints: int
    payloads: int
    """Payloads opened and compared with their commitments."""

    erased: int
    """Payloads that no longer open, as intended."""

    fault: Fault | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


@dataclass(frozen=True)
class StoredEntry:
    """An entry as a source has it; `id` where the source indexes entries by it."""

    index: int
    data: bytes
    id: EntryId | None = None


class Source(Protocol):
    """Where a log is read from."""

    def size(self) -> int:
        """About how many entries there are, for progress."""

    def entries(self) -> Iterator[StoredEntry]:
        """In the order of their index."""

    def tile(self, level: int, n: int) -> bytes:
        """The stored hashes; empty when there are none."""

    def checkpoints(self) -> Iterable[tuple[int, str]]:
        """(size, note) by ascending size."""


class PayloadCheck(Protocol):
    """Compares an entry with its sealed payload."""

    payloads: int
    erased: int

    def __call__(self, stored: StoredEntry, entry: Entry) -> None:
        """Raises FaultError."""


class FaultError(LedgerError):
    """Ends the pass at the first fault; it does not leave this package."""

    def __init__(self, index: int, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(index, kind, reason)


def audit(
    source: Source,
    key: VerifierKey | None,
    check_payload: PayloadCheck | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LogReport:
    """Check everything; `progress(done, total)` is called along.

    `key` may be None only where nothing is signed yet. Raises what the source raises when it cannot be read.
    """
    walk, fault = _Walk(source, key, check_payload), None
    total = source.size()
    try:
        for stored in source.entries():
            walk.take(stored)
            if walk.size % PROGRESS_EVERY == 0:
                progress(walk.size, total)
        walk.finish()
    except FaultError as error:
        fault = error.fault
    progress(walk.size, total)
    counts = (check_payload.payloads, check_payload.erased) if check_payload else (0, 0)
    return LogReport(walk.size, walk.proven, walk.verified, *counts, fault)


@dataclass
class _Level:
    """One level of tiles: the stored tile being compared, and what the entries make of it."""

    count: int = 0
    stored: bytes = b""


@dataclass
class _Walk:
    """The state of one pass: everything below `size` is sound."""

    source: Source
    key: VerifierKey | None
    check_payload: PayloadCheck | None
    size: int = 0
    proven: int = 0
    verified: int = 0
    prev: str = FIRST_PREV
    time: int = 0
    stack: list[tuple[int, bytes]] = field(default_factory=list)
    """Perfect subtrees left to right: (height, hash)."""

    levels: list[_Level] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._notes = iter(self.source.checkpoints())
        self._next = next(self._notes, None)

    def take(self, stored: StoredEntry) -> None:
        """Check the next entry and everything that ends with it. Raises FaultError."""
        if stored.index != self.size:
            raise FaultError(self.size, FaultKind.GAP, f"entry {self.size} is missing; {stored.index} follows")
        entry = self._check_entry(stored)
        leaf = leaf_hash(stored.data)
        self._push(leaf)
        if self.check_payload is not None:
            self.check_payload(stored, entry)
        self.prev, self.time = leaf.hex(), entry_milliseconds(entry)
        self.size += 1
        while self._next is not None and self._next[0] <= self.size:
            self._check_checkpoint(*self._next)
            self._next = next(self._notes, None)

    def finish(self) -> None:
        """Check that nothing claims more entries than there are. Raises FaultError."""
        if self._next is not None:
            reason = f"a checkpoint covers {self._next[0]} entries, but only {self.size} are here"
            raise FaultError(self.size, FaultKind.CHECKPOINT, reason)
        for level, state in enumerate(self.levels or [_Level()]):
            n, width = divmod(state.count, WIDTH)
            if len(self.source.tile(level, n)) > width * HASH_BYTES:
                raise FaultError(self.size, FaultKind.TILE, f"{tile_path(level, n)} holds hashes of missing entries")

    def _check_entry(self, stored: StoredEntry) -> Entry:
        try:
            entry = parse_entry(stored.data)
        except EntryMalformedError as error:
            raise FaultError(self.size, FaultKind.ENTRY, str(error)) from error
        if stored.id not in (None, entry.id):
            raise FaultError(self.size, FaultKind.ID, f"stored as {stored.id}, but says it is {entry.id}")
        if entry.prev != self.prev:
            raise FaultError(self.size, FaultKind.PREV, "`prev` is not the hash of the entry before")
        if entry_milliseconds(entry) < self.time:
            raise FaultError(self.size, FaultKind.TIME, "`time` is before that of the entry before")
        return entry

    def _push(self, leaf: bytes) -> None:
        """Add a leaf to the tree, comparing each hash that a tile should hold."""
        height, value = 0, leaf
        self._compare(0, value)
        while self.stack and self.stack[-1][0] == height:
            value = node_hash(self.stack.pop()[1], value)
            height += 1
            if height % HEIGHT == 0:
                self._compare(height // HEIGHT, value)
        self.stack.append((height, value))

    def _compare(self, level: int, value: bytes) -> None:
        if level == len(self.levels):
            self.levels.append(_Level())
        state = self.levels[level]
        n, at = divmod(state.count, WIDTH)
        if at == 0:
            state.stored = self.source.tile(level, n)
        found = state.stored[at * HASH_BYTES : (at + 1) * HASH_BYTES]
        first = state.count << (HEIGHT * level)
        if found not in (b"", value):
            raise FaultError(first, FaultKind.TILE, f"{tile_path(level, n)} hash {at} is not what the entries make")
        if not found and self._is_covered():
            raise FaultError(first, FaultKind.TILE, f"{tile_path(level, n)} lacks hash {at}, which is proven")
        state.count += 1

    def _is_covered(self) -> bool:
        """Whether a checkpoint yet to come covers the entry being pushed."""
        return self._next is not None and self._next[0] > self.size

    def _check_checkpoint(self, size: int, note: str) -> None:
        head = self._verified_head(size, note)
        if head.size != size:
            raise FaultError(max(size - 1, 0), FaultKind.CHECKPOINT, f"stored for {size} entries, says {head.size}")
        if head.root != self._root():
            reason = f"the checkpoint of size {size} has another root than its entries"
            raise FaultError(self.proven, FaultKind.CHECKPOINT, reason)
        self.proven, self.verified = size, self.verified + 1

    def _verified_head(self, size: int, note: str) -> TreeHead:
        last = max(size - 1, 0)
        if self.key is None:
            raise FaultError(last, FaultKind.CHECKPOINT, "signed, but the log's key is not known")
        try:
            return verify_checkpoint(note, self.key)
        except CheckpointError as error:
            raise FaultError(last, FaultKind.CHECKPOINT, str(error)) from error

    def _root(self) -> bytes:
        value = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            value = node_hash(left, value)
        return value
