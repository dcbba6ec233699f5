"""An index in memory that follows rows of the database by the number of changes.

Rules
- One way in: following. A process that starts, or one that another process's change reaches, reads what changed since
  the change that it knows, in batches; of several processes on one database each does so for itself.
- Whoever searches sees the database's own number first: an index that is not up to it says so, and is not searched.
- What goes to another kind is added there before it is dropped here, and kinds are searched in order: whoever searches
  meanwhile finds it.
- What was removed is wiped as soon as it is followed: within a second, and before the next search in any case.
- A row that does not open may be left out where a source names it (`Damaged`), so that it keeps nothing else from being
  found. Whoever searches must not take its absence for an answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Protocol, TypeAlias

import numpy as np

from detection.errors import MatchUnknownError, Unknown
from detection.near.generation import Generation

BATCH: Final = 20_000
"""Rows that are read at once while an index is built: a fifth of a second."""

AT_ONCE: Final = 10_000
"""Changes that a search catches up with itself, within a fifth of a second; with more it is left to the follower, and
unknown meanwhile."""

PATIENCE: Final = 2.0
"""Seconds a search waits for another thread that is following."""

INTERVAL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0
"""After a round that failed."""

Kind: TypeAlias = tuple[Any, ...]
"""What may be compared with each other; kinds of one index can be put in order."""


@dataclass(frozen=True)
class Changed:
    """What an index must learn of a row. A row may have several templates, each under its number."""

    row: int
    kind: Kind
    template: bytes = field(repr=False)


@dataclass(frozen=True)
class Damaged:
    """A row that does not open: nothing is found by it, though it should be."""

    row: int
    whose: object
    """By whom it should be found, as its source tells them apart."""

    name: str
    """By which an operator finds it."""


@dataclass(frozen=True)
class Changes:
    """What became of the rows since some change."""

    upto: int
    """The change that whoever applies this has come to."""

    counted: int
    """The newest."""

    rows: Sequence[Changed]
    removed: Sequence[int]
    forgotten: int = 0
    """Removals up to this change are not known any more: an index that missed one of them is built anew."""

    damaged: Sequence[Damaged] = ()


class Source(Protocol):
    """The rows that an index follows."""

    what: str
    """What they are of, as a sentence names it."""

    def counted(self) -> int:
        """How many changes there were."""

    def changes(self, since: int, limit: int) -> Changes:
        """What changed since, oldest first, `limit` rows at most.

        Raises KeyStoreUnavailableError, SealBrokenError for a row that is not what was stored.
        """

    def generation(self, kind: Kind) -> Generation:
        """An empty one, for templates of this kind."""

    def emptied(self) -> None:
        """Some kind has no templates any more."""


@dataclass
class Index:
    """Templates by kind, up to a change."""

    known: int = 0
    generations: dict[Kind, Generation] = field(default_factory=dict)
    """Replaced whole, so that whoever goes through it is not disturbed."""

    damaged: Sequence[Damaged] = ()
    """Replaced whole."""

    hidden_from: frozenset[object] = frozenset()
    """Who does not find all that there is for them: whose the damaged rows are."""

    def apply(self, changes: Changes, empty: Callable[[Kind], Generation]) -> None:
        """Add, then drop, then say how far it is."""
        for kind, found in groupby(sorted(changes.rows, key=_kind), _kind):
            if kind not in self.generations:
                self.generations = self.generations | {kind: empty(kind)}
            self._put(kind, list(found))
        if changes.removed:
            for generation in self.generations.values():
                generation.drop(np.asarray(changes.removed, dtype=np.int64))
        if changes.damaged or (self.damaged and changes.removed):
            gone = set(changes.removed)
            self.damaged = (*(one for one in self.damaged if one.row not in gone), *changes.damaged)
            self.hidden_from = frozenset(one.whose for one in self.damaged)
        self.known = changes.upto

    def without_empty(self) -> bool:
        """Let go of generations that have no templates any more; whether there were any."""
        left = {kind: one for kind, one in self.generations.items() if len(one)}
        emptied = len(left) < len(self.generations)
        self.generations = left
        return emptied

    def _put(self, kind: Kind, rows: Sequence[Changed]) -> None:
        moved = np.asarray([one.row for one in rows if one.row <= self.known], dtype=np.int64)
        self.generations[kind].put([one.row for one in rows], [one.template for one in rows])
        for other, generation in self.generations.items():
            if other != kind and len(moved):
                generation.drop(moved)


class Follower:
    """One index over one source. Safe to call from many threads."""

    def __init__(self, source: Source, stop: threading.Event) -> None:
        """`stop` ends building, which may take a while."""
        self._source, self._stop = source, stop
        self.turn = threading.Lock()
        """Held by whoever follows."""

        self.index = Index()
        """Replaced whole."""

    def current(self) -> Index:
        """The index, as new as its database was when this was called.

        Raises MatchUnknownError when it is not, KeyStoreUnavailableError, SealBrokenError, DatabaseUnavailableError.
        """
        counted = self._source.counted()
        found = self.index
        if found.known == counted:
            return found
        if abs(counted - found.known) > AT_ONCE:
            raise MatchUnknownError(
                Unknown.INDEX,
                f"the index of {self._source.what} has {found.known} of {counted} changes: it is being built, ask "
                "again in a moment",
            )
        return self.follow(PATIENCE)

    def follow(self, patience: float = -1) -> Index:
        """Bring the index up to its database. Call it after a removal, so that nothing of it stays here.

        Raises as `current`.
        """
        if not self.turn.acquire(timeout=patience):
            raise MatchUnknownError(
                Unknown.INDEX, f"the index of {self._source.what} is catching up: ask again in a moment"
            )
        try:
            return self._followed(self.index)
        finally:
            self.turn.release()

    def rebuild(self) -> None:
        """Build it anew; what there is goes on until that is whole. Raises as `current`."""
        with self.turn:
            self._followed(Index())

    def _followed(self, found: Index) -> Index:
        since = found.known  # removals after this one are still to be had
        while True:
            changes = self._source.changes(found.known, BATCH)
            since = since or changes.counted  # an index that begins has nothing to remove from before
            if changes.counted < found.known or since < changes.forgotten:
                # An older database than it was, or too much was missed. Swapped once it is whole: until then the old
                # one only says that it is old.
                found, since = Index(), 0
                continue
            found.apply(changes, self._source.generation)
            if found.known >= changes.counted:
                break
            if self._stop.is_set():
                raise MatchUnknownError(Unknown.INDEX, "the service is closing")
        if found.without_empty():
            self._source.emptied()
        self.index = found
        return found


class Rounds:
    """A thread that follows, round after round. `start` it and `close` it."""

    def __init__(
        self, name: str, once: Callable[[], str], tell: Callable[[str], object], stop: threading.Event
    ) -> None:
        """`once` is one round; what it answers is why it failed, or empty. `tell` is told when that changes."""
        self._once, self._tell, self._stop = once, tell, stop
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.reason = ""

    def start(self) -> None:
        """Begin to follow, which builds what there is."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            reason = self._round()
            if reason != self.reason:
                self._tell(reason)
            self.reason = reason
            self._stop.wait(RETRY_SECONDS if reason else INTERVAL_SECONDS)

    def _round(self) -> str:
        try:
            return self._once()
        except Exception as error:  # noqa: BLE001 -- a defect of ours must not end the thread in silence
            return f"the fault is ours: {type(error).__name__}"


def _kind(row: Changed) -> Kind:
    return row.kind
