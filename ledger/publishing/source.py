"""Where a log is read from: the database, or its published files in a folder or on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from ledger.ids import EntryId

CHECKPOINT_FILE: Final = "checkpoint"
VKEY_FILE: Final = "log.vkey"

Fetch: TypeAlias = Callable[[str], bytes | None]
"""What is published by a path; None where there is nothing."""


@dataclass(frozen=True)
class StoredEntry:
    """An entry as a source has it; `id` where the source indexes entries by it."""

    index: int
    data: bytes
    id: EntryId | None = None


@dataclass(frozen=True)
class StoredStamp:
    """A stamp as a source has it; either part is empty where the source lacks it."""

    size: int
    note: bytes
    """What was stamped."""

    response: bytes = field(repr=False)


class Source(Protocol):
    """Where a log is read from."""

    def size(self) -> int:
        """About how many entries there are, for progress."""

    def entries(self, first: int) -> Iterator[StoredEntry]:
        """From that index on, in the order of their index. Raises FaultError where it sees that some are missing."""

    def tile(self, level: int, n: int) -> bytes:
        """The stored hashes; empty when there are none."""

    def checkpoints(self) -> Iterable[tuple[int, str]]:
        """(size, note) by ascending size."""

    def stamps(self, after: int) -> Iterable[StoredStamp]:
        """Those of larger checkpoints than that, by ascending size. Raises StampIndexError."""
