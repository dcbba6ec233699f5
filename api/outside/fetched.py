"""What was fetched, kept for a while: one fetch for all who ask meanwhile, and one answer for as long as it is kept.

Rules
- Kept as long as its server says, within what its kind allows, whatever the server would say in the meantime; then it
  is fetched again, and what cannot be had then is not served from before.
- That it cannot be had is kept too, briefly: a dead server costs one who asks a wait, not each.
- Bounded in number and in bytes; the one that was asked for longest ago goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.outside.fetching import Fetched, FetchError, Wanted
from identity.did.web import MAX_BYTES as MAX_DID_DOCUMENT
from keys.clock import Clock

MAX_KEPT: Final = 1024
MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
FAILURE_KEPT: Final = timedelta(seconds=10)
MAX_LIST_BYTES: Final = 1024 * 1024
"""Of a status list: three million places of noise."""


@dataclass(frozen=True)
class Shelf:
    """How one kind of thing is fetched and kept."""

    wanted: Wanted
    unsaid: timedelta
    """For how long, where its server does not say."""

    shortest: timedelta
    longest: timedelta


DID_DOCUMENTS: Final = Shelf(
    Wanted(
        frozenset({"application/did", "application/did+json", "application/did+ld+json"})
        | {"application/json", "application/ld+json"},
        MAX_DID_DOCUMENT,
    ),
    unsaid=timedelta(minutes=5),
    shortest=timedelta(minutes=1),
    longest=timedelta(minutes=15),
)
"""A key that its owner takes back is believed for a quarter of an hour at most."""

STATUS_LISTS: Final = Shelf(
    Wanted(
        frozenset({"application/vc", "application/vc+ld+json", "application/json", "application/ld+json"})
        | {"application/vc+jwt", "application/statuslist+jwt"},
        MAX_LIST_BYTES,
    ),
    unsaid=timedelta(minutes=1),
    shortest=timedelta(seconds=1),
    longest=timedelta(minutes=5),
)
"""What was revoked is believed for five minutes at most, whatever a list says of itself."""


@dataclass
class _Kept:
    """Touched under the lock alone."""

    answer: Future[Fetched | None]
    until: datetime | None = None
    """None while it is being fetched."""

    size: int = 0


class Kept:
    """One shelf over one way to fetch. Safe to use from many threads."""

    def __init__(
        self,
        get: Callable[[str, Wanted], Fetched],
        shelf: Shelf,
        clock: Clock,
        notice: Callable[[str], object] = lambda _reason: None,
    ) -> None:
        """`notice` is told why a fetch failed, in words that name nobody."""
        self._get, self._shelf, self._clock, self._notice = get, shelf, clock, notice
        self._lock = threading.Lock()
        # Under the lock.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __call__(self, url: str) -> Fetched | None:
        """What lies there; None where it cannot be had now."""
        now = self._clock()
        with self._lock:
            found = self._kept.get(url)
            mine = found is None or (found.until is not None and found.until <= now)
            if mine:
                found = self._kept[url] = _Kept(Future())
            assert found is not None
            self._kept.move_to_end(url)
        if mine:
            self._fetch(url, found)
        return found.answer.result()

    def content(self, url: str) -> bytes | None:
        """The bytes alone."""
        found = self(url)
        return found.content if found else None

    def _fetch(self, url: str, place: _Kept) -> None:
        """Never leaves those waiting without an answer."""
        got: Fetched | None = None
        try:
            got = self._get(url, self._shelf.wanted)
        except FetchError as error:
            self._notice(str(error))
        finally:
            with self._lock:
                place.until = self._clock() + self._for(got)
                place.size = len(got.content) if got else 0
                self._make_room()
            place.answer.set_result(got)

    def _for(self, got: Fetched | None) -> timedelta:
        if got is None:
            return FAILURE_KEPT
        if got.max_age is None:
            return self._shelf.unsaid
        # As a number: a server may say more seconds than there is time.
        seconds = min(max(got.max_age, self._shelf.shortest.total_seconds()), self._shelf.longest.total_seconds())
        return timedelta(seconds=seconds)

    def _make_room(self) -> None:
        total = sum(each.size for each in self._kept.values())
        while len(self._kept) > MAX_KEPT or total > MAX_KEPT_BYTES:
            total -= self._kept.popitem(last=False)[1].size
