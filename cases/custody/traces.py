"""What manifest stores of our own were found to say, for a short while: to validate fifty generations again takes
longer than all else that custody is.

Rules
- What is remembered was found under one trust policy, and no longer ago than KEPT: a certificate may end meanwhile.
- A manifest store never changes, and the asset whose it is names it. Of an erased one nobody asks any more, and what is
  remembered goes with the next that is looked at after KEPT.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, TypeAlias

from cases.asset import AssetId
from keys.clock import Clock
from provenance.lineage import Lineage
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy

KEPT: Final = timedelta(minutes=1)
MAX_KEPT: Final = 64

Found: TypeAlias = tuple[VerificationReport, Lineage]
_Key: TypeAlias = tuple[AssetId, str]


class Traces:
    """Safe to use from many threads: two that look at once find the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = Lock()
        self._kept: OrderedDict[_Key, tuple[datetime, Found]] = OrderedDict()

    def of(self, asset: AssetId, trust: TrustPolicy, look: Callable[[], Found]) -> Found:
        """What was found not long ago, or what `look` finds. Raises what that raises."""
        key, now = (asset, trust.digest), self._clock()
        with self._guard:
            self._forget(now)
            if known := self._kept.get(key):
                return known[1]
        found = look()
        with self._guard:
            self._kept[key] = (now, found)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return found

    def _forget(self, now: datetime) -> None:
        while self._kept and not timedelta(0) <= now - next(iter(self._kept.values()))[0] < KEPT:
            self._kept.popitem(last=False)
