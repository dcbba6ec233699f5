"""The walk over a log, entry by entry: chain, tree, tiles, checkpoints. Everything below `size` is sound.

Rules
- Nothing stored is believed: every entry is parsed, chained and hashed; tiles and checkpoints are compared with what
  the entries make; each checkpoint's signature is verified, and every cosignature by a witness that was named.
- The tree is rebuilt here by merging (a stack of perfect subtrees), not by the code that wrote it.
- What a walk knows at one moment is `Kept`: from it another goes on, as if it had read everything before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final, Protocol

from ledger.auditing.faults import FaultError, FaultKind
from ledger.entry import FIRST_PREV, Entry, entry_milliseconds, parse_entry
from ledger.errors import CheckpointError, CosignatureError, EntryMalformedError, StampIndexError
from ledger.publishing.source import Source, StoredEntry
from ledger.stamping.stamp_check import NO_STAMPS, Judge, StampsFound, check_stamps
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash
from ledger.tree.tiles import HEIGHT, WIDTH, TileReader, Tiles, tile_path
from ledger.witnessing.cosignature import NO_COSIGNATURES, Quorum


@dataclass(frozen=True)
class Kept:
    """What is enough to go on from the first `size` entries of a log, all of which were checked."""

    size: int
    proven: int
    """How many of them a checkpoint that verified covers."""

    prev: str
    time: int
    """UTC milliseconds of the last entry."""

    stack: tuple[tuple[int, bytes], ...]
    """Perfect subtrees left to right: (height, hash)."""

    note: str
    """That checkpoint; empty before the first."""

    stamped: int = 0
    """Stamps of checkpoints up to that size were seen to be this log's."""

    judged: int = 0
    """Up to that size they were judged, too."""

    def root(self) -> bytes:
        """The root of the first `size` entries."""
        if not self.stack:
            return EMPTY_ROOT
        value = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            value = node_hash(left, value)
        return value


_TILES_HELD: Final = 64

NOTHING: Final = Kept(size=0, proven=0, prev=FIRST_PREV, time=0, stack=(), note="")
"""Where a walk over the whole log begins."""


@dataclass
class _Level:
    """One level of tiles: how many hashes it has, and the stored tile being compared, once read."""

    count: int = 0
    stored: bytes | None = None


class PayloadCheck(Protocol):
    """Compares an entry with its sealed payload."""

    payloads: int
    erased: int

    def __call__(self, stored: StoredEntry, entry: Entry) -> None:
        """Raises FaultError."""


class Walk:
    """One pass over a source."""

    def __init__(
        self, source: Source, key: VerifierKey | None, check_payload: PayloadCheck | None, kept: Kept, quorum: Quorum
    ) -> None:
        self._source, self._key, self._check_payload, self._quorum = source, key, check_payload, quorum
        self.size, self.proven, self.prev, self.time = kept.size, kept.proven, kept.prev, kept.time
        self.verified = 0
        """Checkpoints that verified in this pass."""

        self.witnessed = 0
        """How many entries the newest covers that bears the cosignatures that were asked for, and one at least."""

        self.cosigned = NO_COSIGNATURES
        """By whom the newest of them is."""

        self.note = kept.note
        self.stamped, self.judged = kept.stamped, kept.judged
        self._stack = list(kept.stack)
        self._levels = [_Level(count) for count in _counts(kept.size)]
        self._notes = (stored for stored in source.checkpoints() if stored[0] >= kept.size)
        self._next = next(self._notes, None)

    def kept(self) -> Kept:
        """Where the pass is."""
        stack, stamps = tuple(self._stack), (self.stamped, self.judged)
        return Kept(self.size, self.proven, self.prev, self.time, stack, self.note, *stamps)

    def take(self, stored: StoredEntry) -> None:
        """Check the next entry and everything that ends with it. Raises FaultError."""
        if stored.index != self.size:
            raise FaultError(self.size, FaultKind.GAP, f"entry {self.size} is missing; {stored.index} follows")
        entry = self._check_entry(stored)
        leaf = leaf_hash(stored.data)
        self._push(leaf)
        if self._check_payload is not None:
            self._check_payload(stored, entry)
        self.prev = leaf.hex()
        self.size += 1
        self._check_due()

    def finish(self) -> None:
        """Check that nothing claims more entries than there are. Raises FaultError."""
        self._check_due()
        if self._next is not None:
            reason = f"a checkpoint covers {self._next[0]} entries, but only {self.size} are here"
            raise FaultError(self.size, FaultKind.CHECKPOINT, reason)
        for level, state in enumerate(self._levels or [_Level()]):
            n, width = divmod(state.count, WIDTH)
            if len(self._source.tile(level, n)) > width * HASH_BYTES:
                raise FaultError(self.size, FaultKind.TILE, f"{tile_path(level, n)} holds hashes of missing entries")
        if self.verified and not self.witnessed and (lacking := self._quorum.lacks(self.cosigned)):
            raise FaultError(0, FaultKind.QUORUM, lacking)

    def check_stamps(self, judge: Judge | None) -> StampsFound:
        """Check the stamps that were not yet, once everything else is. Raises FaultError."""
        after = self.stamped if judge is None else self.judged
        try:
            first = next(stamps := iter(self._source.stamps(after)), None)
            if first is None:
                return NO_STAMPS
            head = self._verified_head(self.proven, self.note)
            assert self._key is not None  # or there were no head
            found = check_stamps(chain([first], stamps), head, self._key, Tiles(_read_once(self._source)), judge)
        except StampIndexError as error:
            raise FaultError(0, FaultKind.STAMP, str(error)) from error
        self.stamped = max(self.stamped, found.size)
        self.judged = self.judged if judge is None else found.size
        return found

    def _check_entry(self, stored: StoredEntry) -> Entry:
        try:
            entry = parse_entry(stored.data)
        except EntryMalformedError as error:
            raise FaultError(self.size, FaultKind.ENTRY, str(error)) from error
        if stored.id not in (None, entry.id):
            raise FaultError(self.size, FaultKind.ID, f"stored as {stored.id}, but says it is {entry.id}")
        if entry.prev != self.prev:
            raise FaultError(self.size, FaultKind.PREV, "`prev` is not the hash of the entry before")
        before, self.time = self.time, entry_milliseconds(entry)
        if self.time < before:
            raise FaultError(self.size, FaultKind.TIME, "`time` is before that of the entry before")
        return entry

    def _push(self, leaf: bytes) -> None:
        """Add a leaf to the tree, comparing each hash that a tile should hold."""
        height, value = 0, leaf
        self._compare(0, value)
        while self._stack and self._stack[-1][0] == height:
            value = node_hash(self._stack.pop()[1], value)
            height += 1
            if height % HEIGHT == 0:
                self._compare(height // HEIGHT, value)
        self._stack.append((height, value))

    def _compare(self, level: int, value: bytes) -> None:
        if level == len(self._levels):
            self._levels.append(_Level())
        state = self._levels[level]
        n, at = divmod(state.count, WIDTH)
        if at == 0 or state.stored is None:
            state.stored = self._source.tile(level, n)
        found = state.stored[at * HASH_BYTES : (at + 1) * HASH_BYTES]
        first = state.count << (HEIGHT * level)
        if found not in (b"", value):
            raise FaultError(first, FaultKind.TILE, self._differs(level, n, at))
        if not found and self._is_covered():
            raise FaultError(first, FaultKind.TILE, f"{tile_path(level, n)} lacks hash {at}, which is proven")
        state.count += 1

    def _differs(self, level: int, n: int, at: int) -> str:
        entries = f"entry {self.size}" if level == 0 else "the entries"
        return f"{tile_path(level, n)} hash {at} is not what {entries} makes: one of the two was changed"

    def _is_covered(self) -> bool:
        """Whether a checkpoint yet to come covers the entry being pushed."""
        return self._next is not None and self._next[0] > self.size

    def _check_due(self) -> None:
        while self._next is not None and self._next[0] <= self.size:
            self._check_checkpoint(*self._next)
            self._next = next(self._notes, None)

    def _check_checkpoint(self, size: int, note: str) -> None:
        head = self._verified_head(size, note)
        if head.size != size:
            raise FaultError(max(size - 1, 0), FaultKind.CHECKPOINT, f"stored for {size} entries, says {head.size}")
        if head.root != self.kept().root():
            reason = f"the checkpoint of size {size} has another root than its entries"
            raise FaultError(self.proven, FaultKind.CHECKPOINT, reason)
        self.proven, self.verified, self.note = size, self.verified + 1, note
        if self.cosigned.by and not self._quorum.lacks(self.cosigned):
            self.witnessed = size

    def _verified_head(self, size: int, note: str) -> TreeHead:
        last = max(size - 1, 0)
        if self._key is None:
            raise FaultError(last, FaultKind.CHECKPOINT, "signed, but the log's key is not known")
        try:
            head = verify_checkpoint(note, self._key)
            self.cosigned = self._quorum.judge(note, self._key)
        except CosignatureError as error:
            raise FaultError(last, FaultKind.COSIGNATURE, str(error)) from error
        except CheckpointError as error:
            raise FaultError(last, FaultKind.CHECKPOINT, str(error)) from error
        return head


def _read_once(source: Source) -> TileReader:
    """Stamps that lie close need the same tiles."""
    return lru_cache(_TILES_HELD)(source.tile)


def _counts(size: int) -> Iterator[int]:
    """How many hashes each level of tiles has in a tree of that size; none for an empty one."""
    while size:
        yield size
        size //= WIDTH
