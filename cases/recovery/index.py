"""The fingerprints of what was signed here, in memory, and who follows them. `start` it and `close` it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.errors import RecoveryUnknownError
from cases.recovery.signed import PUBLIC, SignedAssets
from detection.errors import MatchUnknownError
from detection.near.follower import RETRY_SECONDS, Damaged, Follower, Index, Kind, Rounds
from keys.errors import KeysError, SealBrokenError
from ledger.errors import DatabaseUnavailableError, LedgerError, SubjectErasedError
from ledger.ids import TenantId

MAX_NEAR: Final = 500
"""Rows that one fingerprint leads to: the nearest."""

MAX_FIRST: Final = 500
"""And those that were signed first."""

MAX_RETRIED: Final = 100
"""Damaged rows that are looked at again at once, others the next time: once one of them opens, all are."""


class RecoveryIndex:
    """One for the deployment, in each process. Safe to call from many threads."""

    def __init__(self, source: SignedAssets, tell: Callable[[str], object] = lambda _reason: None) -> None:
        """`tell` is told when following fails or rows are passed over, and with an empty text when all is well."""
        stop = threading.Event()
        self._source, self._follower, self._tell = source, Follower(source, stop), tell
        self._rounds = Rounds("recovery", self._round, tell, stop)
        self.damage = ""
        """Which rows are passed over, as they were told; empty where none is."""

        self._again, self._retried = 0.0, 0
        """When those are looked at again (monotonic), and from which on. The rounds' alone."""

    @property
    def reason(self) -> str:
        """Why it does not follow; empty while it does."""
        return self._rounds.reason

    def start(self) -> None:
        """Begin to follow, which builds what there is."""
        self._rounds.start()

    def close(self) -> None:
        """Stop following."""
        self._rounds.close()

    def current(self) -> Index:
        """The index, as new as its database. Raises RecoveryUnknownError."""
        try:
            return self._follower.current()
        except MatchUnknownError as error:
            raise RecoveryUnknownError(error.reason, str(error)) from error
        except SealBrokenError as error:
            raise RecoveryUnknownError("damaged", "what is kept of a signed file is not what was stored") from error
        except (KeysError, SubjectErasedError) as error:
            raise RecoveryUnknownError("keys", f"the keys of signed files cannot be had now: {error}") from error
        except DatabaseUnavailableError as error:
            raise RecoveryUnknownError("database", str(error)) from error

    def _round(self) -> str:
        try:
            self._mend()
            if self._source.counted() != self._follower.index.known:
                self._follower.follow()
        except (KeysError, LedgerError, MatchUnknownError) as error:
            self.damage = ""
            return str(error)
        if (damage := _named(self._follower.index.damaged)) != self.damage:
            self.damage = damage
            self._tell(damage)
        return ""

    def _mend(self) -> None:
        """Build anew once a damaged row opens."""
        damaged = self._follower.index.damaged
        if damaged and time.monotonic() >= self._again:
            self._again = time.monotonic() + RETRY_SECONDS
            start = self._retried if self._retried < len(damaged) else 0
            self._retried = start + MAX_RETRIED
            if self._source.mended(damaged[start : self._retried]):
                self._follower.rebuild()


@dataclass(frozen=True)
class Findable:
    """What one caller's fingerprints are compared with: what is public, and what their tenant has."""

    index: Index
    tenant: TenantId | None

    @property
    def whole(self) -> bool:
        """Whether every row that may be found for them can be."""
        return self.index.hidden_from.isdisjoint((PUBLIC, self.tenant))

    def require_whole(self) -> None:
        """Raises RecoveryUnknownError."""
        if not self.whole:
            raise RecoveryUnknownError(
                "damaged",
                "nothing was found, but what is kept of some signed file cannot be opened, and this may be a copy of "
                "that; an operator must look",
            )

    def near(self, kind: Kind, probes: NDArray[np.uint8], reach: int) -> dict[int, int]:
        """Rows of a kind at most `reach` bits from any of the probes, and how far the nearest is; of each part the
        MAX_NEAR nearest and the MAX_FIRST that were signed first.
        """
        found: dict[int, int] = {}
        for whose in (PUBLIC, self.tenant):
            generation = self.index.generations.get((*kind, whose))
            if generation is not None and len(probes):
                found |= _kept(*generation.near(probes, reach))
        return found


def _named(damaged: Sequence[Damaged]) -> str:
    if not damaged:
        return ""
    return f"what is kept of {damaged[0].name} does not open ({len(damaged)} such rows)"


def _kept(rows: NDArray[np.int64], distances: NDArray[np.int32]) -> dict[int, int]:
    """Each row once. Later copies may crowd out the nearest, never the first: a row's number is its place in time."""
    order = np.lexsort((rows, distances))
    rows, distances = rows[order], distances[order]
    _, nearest = np.unique(rows, return_index=True)  # by row, so the first signed come first
    kept = np.union1d(nearest[:MAX_FIRST], np.sort(nearest)[:MAX_NEAR])
    return dict(zip(rows[kept].tolist(), distances[kept].tolist(), strict=True))
