"""Checking a log again, from its entries up: the first bad index, and why.

One pass serves the database, an exported folder and a log on a server; all are a `Source`. What is checked: `Walk`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ledger.auditing.faults import Fault, FaultError
from ledger.auditing.walk import NOTHING, Kept, PayloadCheck, Walk
from ledger.publishing.source import Source
from ledger.stamping.stamp_check import NO_STAMPS, Judge, StampsFound
from ledger.tree.checkpoint import VerifierKey
from ledger.witnessing.cosignature import NO_COSIGNATURES, NO_WITNESSES, Cosigned, Quorum

PROGRESS_EVERY: Final = 1_024
"""Entries between two reports of progress."""


@dataclass(frozen=True)
class LogReport:
    """What a check of a log found."""

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
    witnessed: int = 0
    """How many entries a checkpoint covers that bears the cosignatures that were asked for, and one at least."""

    cosigned: Cosigned = NO_COSIGNATURES
    """By whom the newest checkpoint is, besides the log."""

    stamps: StampsFound = NO_STAMPS
    """Of those that this check looked at."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


def audit(
    source: Source,
    key: VerifierKey | None,
    check_payload: PayloadCheck | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    kept: Kept = NOTHING,
    keep: Callable[[Kept], None] = lambda _kept: None,
    quorum: Quorum = NO_WITNESSES,
    judge: Judge | None = None,
) -> LogReport:
    """Check everything from `kept` on; `progress(done, total)` is called along, and `keep` with what to go on from
    after an interruption. Stamps are judged by `judge`; without one they are only seen to be of this log.

    `key` may be None only where nothing is signed yet. Raises what the source raises when it cannot be read.
    """
    walk, fault, total = Walk(source, key, check_payload, kept, quorum), None, source.size()
    stamps = NO_STAMPS
    try:
        for stored in source.entries(walk.size):
            walk.take(stored)
            if walk.size % PROGRESS_EVERY == 0:
                progress(walk.size, total)
                keep(walk.kept())
        walk.finish()
        keep(walk.kept())
        stamps = walk.check_stamps(judge)
        keep(walk.kept())
    except FaultError as error:
        fault = error.fault
    progress(walk.size, total)
    counts = (check_payload.payloads, check_payload.erased) if check_payload else (0, 0)
    return LogReport(walk.size, walk.proven, walk.verified, *counts, fault, walk.witnessed, walk.cosigned, stamps)
