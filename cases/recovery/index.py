"""The fingerprints of what was signed here, in memory, and who follows them. `start` it and `close` it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.errors import RecoveryUnknownError
from cases.recovery.signed import SignedAssets
from detection.errors import MatchUnknownError
from detection.near.follower import Follower, Index, Kind, Rounds
from keys.errors import KeysError, SealBrokenError
from ledger.errors import DatabaseUnavailableError, LedgerError, SubjectErasedError

MAX_NEAR: Final = 1000
"""Rows that one fingerprint leads to: the nearest."""


class RecoveryIndex:
    """One for the deployment, in each process. Safe to call from many threads."""

    def __init__(self, source: SignedAssets, tell: Callable[[str], object] = lambda _reason: None) -> None:
        """`tell` is told when following fails, and with an empty text when it goes well again."""
        stop = threading.Event()
        self._source, self._follower = source, Follower(source, stop)
        self._rounds = Rounds("recovery", self._round, tell, stop)

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
            if self._source.counted() != self._follower.index.known:
                self._follower.follow()
        except (KeysError, LedgerError, MatchUnknownError) as error:
            return str(error)
        return ""


def near(index: Index, kind: Kind, probes: NDArray[np.uint8], reach: int) -> dict[int, int]:
    """Rows of a kind at most `reach` bits from any of the probes, and how far the nearest is; MAX_NEAR at most."""
    generation = index.generations.get(kind)
    if generation is None or not len(probes):
        return {}
    rows, distances = generation.near(probes, reach)
    order = np.argsort(distances, kind="stable")
    found: dict[int, int] = {}
    for row, distance in zip(rows[order].tolist(), distances[order].tolist(), strict=True):
        found.setdefault(row, distance)
        if len(found) == MAX_NEAR:
            break
    return found
