"""Checking stamps again: that each is of a checkpoint of this very log, and, under an auditor's roots, that it holds.

Rules
- A stamped note is signed by the log, says the size it is stored under, and its tree grew into the tree that is being
  checked, by the proof strangers use: a stamp of anything else is a fault, whoever stamped it.
- A stamp must be of that note's bytes. Whether it holds is judged under roots that the auditor brings; without any it
  is *present*, never trusted on the word of who is audited. One under none of them is *untrusted*: counted, no fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

from cryptography import x509

from keys.clock import Clock, system_clock
from keys.errors import TimeStampError, TimeStampUntrustedError
from keys.profile import UNREADABLE
from keys.revocation import SKEW
from keys.time_stamps import TimeStamp, read, verified
from ledger.auditing.faults import FaultError, FaultKind
from ledger.errors import CheckpointError, ProofError, StampAnchorsError, TileError
from ledger.publishing.source import StoredStamp
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.merkle import consistency_proof, verify_consistency
from ledger.tree.tiles import Tiles


@dataclass(frozen=True)
class StampsFound:
    """What a check found, of stamps that are all of this log."""

    present: int = 0
    """How many there are."""

    trusted: int = 0
    """How many of them hold under the auditor's roots."""

    untrusted: int = 0
    """How many are by authorities under none of them. The rest was not judged."""

    size: int = 0
    """Of the last one."""

    time: str = ""
    """When that was made, as it says itself, RFC 3339; empty without one."""


NO_STAMPS: Final = StampsFound()


@dataclass(frozen=True)
class Judge:
    """An auditor's roots, and their clock."""

    roots: str
    """PEM."""

    clock: Clock = system_clock

    @classmethod
    def of(cls, roots: str) -> Self:
        """Raises StampAnchorsError for roots that cannot be read."""
        try:
            x509.load_pem_x509_certificates(roots.encode())
        except UNREADABLE as error:
            raise StampAnchorsError(
                "no PEM certificate can be read in the anchors: give the roots of the time-stamp authorities, each "
                "beginning with -----BEGIN CERTIFICATE-----"
            ) from error
        return cls(roots)


def check_stamps(
    stamps: Iterable[StoredStamp], head: TreeHead, key: VerifierKey, tiles: Tiles, judge: Judge | None
) -> StampsFound:
    """Check stamps of a log that is `head` now. Raises FaultError, and what reading them raises."""
    found = NO_STAMPS
    for stamp in stamps:
        _check_log(stamp, head, key, tiles)
        found = judged(stamp, judge, found)
    return found


def judged(stamp: StoredStamp, judge: Judge | None, found: StampsFound = NO_STAMPS) -> StampsFound:
    """What was found, with one more stamp, of a note that is this log's. Raises FaultError."""
    try:
        said = read(stamp.response, stamp.note)
        holds = judge is not None and _holds(stamp, judge)
    except TimeStampError as error:
        raise _fault(stamp, str(error)) from error
    if judge is not None and said.time > judge.clock() + SKEW:
        raise _fault(stamp, f"it is from the future ({_written(said)}), or a clock is wrong")
    return replace(
        found,
        present=found.present + 1,
        trusted=found.trusted + holds,
        untrusted=found.untrusted + (judge is not None and not holds),
        size=stamp.size,
        time=_written(said),
    )


def _check_log(stamp: StoredStamp, head: TreeHead, key: VerifierKey, tiles: Tiles) -> None:
    try:
        stamped = verify_checkpoint(stamp.note.decode("utf-8", "surrogateescape"), key)
        if stamped.size != stamp.size:
            raise _fault(stamp, f"its checkpoint is of {stamped.size} entries")
        if stamped.size > head.size:
            raise _fault(stamp, f"the log has only {head.size} entries")
        proof = consistency_proof(stamped.size, head.size, tiles.subtree)
        verify_consistency(stamped.size, head.size, proof, stamped.root, head.root)
    except (CheckpointError, ProofError, TileError) as error:
        raise _fault(stamp, f"its checkpoint is not of this log ({error})") from error


def _holds(stamp: StoredStamp, judge: Judge) -> bool:
    try:
        verified(stamp.response, stamp.note, judge.roots)
    except TimeStampUntrustedError:
        return False
    return True


def _fault(stamp: StoredStamp, reason: str) -> FaultError:
    return FaultError(stamp.size - 1, FaultKind.STAMP, f"the stamp of {stamp.size} entries: {reason}")


def _written(said: TimeStamp) -> str:
    return said.time.isoformat().replace("+00:00", "Z")
