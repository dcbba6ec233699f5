"""What can be wrong with a log, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import LedgerError


class FaultKind(StrEnum):
    """Which check failed."""

    ENTRY = "entry"
    GAP = "gap"
    ID = "id"
    PREV = "prev"
    TIME = "time"
    TILE = "tile"
    CHECKPOINT = "checkpoint"
    COSIGNATURE = "cosignature"
    """A witness's signature does not verify."""

    QUORUM = "quorum"
    """Fewer witnesses signed than were asked for."""

    PAYLOAD = "payload"
    STAMP = "stamp"
    """A time-stamp is of a checkpoint that is not this log's, or does not hold."""

    SHRINK = "shrink"
    """The log is shorter than it was when it was last checked."""

    FORK = "fork"
    """The log is not the one that was checked, although both are signed."""


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong: the index of the first entry it puts in doubt."""

    index: int
    kind: FaultKind
    reason: str


class FaultError(LedgerError):
    """Ends a check at the first fault; it does not leave this package."""

    def __init__(self, index: int, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(index, kind, reason)
