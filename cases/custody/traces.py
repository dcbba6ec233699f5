"""What files that were signed here were found to be, by file, in memory: to validate fifty generations again takes
longer than all else that custody is. By id, rows remember it (`trace_rows`): a file's digest in one would tell whoever
has the database what is here.

Rules
- What is remembered was found by a validation of the signed file as it was signed. Other files leave nothing here.
- It holds for the same bytes, under the same trust (lists, roots, revocations), until time itself may change it
  (`provenance.lasting`). What does not say until when is not remembered.
- Of an erased asset nothing is, nor what is kept of it meanwhile: it is forgotten with its key, in other processes when
  KEPT is over.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from keys.clock import Clock
from ledger.ids import SubjectId, TenantId
from provenance.descent import DESCENT, Descent
from provenance.trust import TrustPolicy

KEPT: Final = timedelta(days=1)
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024
"""Compressed: some thousands of long histories, or twenty times as many short ones."""

MAX_ERASED: Final = 10_000
"""Assets that were erased last: more than are while one is looked at."""


@dataclass(frozen=True)
class _Kept:
    asset: str
    trust: str
    since: datetime
    until: datetime
    found: bytes


class Traces:
    """Safe to use from many threads: two that look at once find the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = Lock()
        # Under the guard.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._erased: deque[str] = deque(maxlen=MAX_ERASED)

    def of(self, trust: TrustPolicy, sha256: str) -> Descent | None:
        """What a file was found to be, if that still holds."""
        now = self._clock()
        with self._guard:
            kept = self._kept.get(sha256)
        if kept is None or kept.trust != trust.digest or not _holds(kept, now):
            return None
        return DESCENT.validate_json(zlib.decompress(kept.found))

    def keep(self, sha256: str, asset: str, found: Descent) -> None:
        """Remember what an asset's signed file was found to be."""
        if found.lasts_until is None:
            return
        now, packed = self._clock(), zlib.compress(DESCENT.dump_json(found), 1)
        kept = _Kept(asset, found.report.trust, now, min(found.lasts_until, now + KEPT), packed)
        with self._guard:
            self._drop(sha256)
            if asset in self._erased:
                return
            self._kept[sha256] = kept
            self._bytes += len(packed)
            while self._kept and (self._bytes > MAX_KEPT_BYTES or not _holds(next(iter(self._kept.values())), now)):
                self._drop(next(iter(self._kept)))

    def forget(self, _connection: Connection, _tenant: TenantId, subject: SubjectId) -> None:
        """Of an asset that is erased (`Subjects.on_erase`)."""
        with self._guard:
            self._erased.append(subject)
            for sha256 in [sha256 for sha256, one in self._kept.items() if one.asset == subject]:
                self._drop(sha256)

    def _drop(self, sha256: str) -> None:
        if (kept := self._kept.pop(sha256, None)) is not None:
            self._bytes -= len(kept.found)


def _holds(kept: _Kept, now: datetime) -> bool:
    return kept.since <= now < kept.until
