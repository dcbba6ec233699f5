"""`Prefer: wait=N` (RFC 7240 section 4.3): whoever decides may wait until the entry is proven, and whoever asked a
wallet until it has answered, instead of asking again.

A preference is no demand. One that cannot be read, or would keep more threads waiting than there are for it, is passed
over; `Preference-Applied` says that it was taken up, and the answer's `state` whether the entry was proven in time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, TypeAlias

from anyio import CapacityLimiter, move_on_after, sleep, to_thread
from fastapi import Depends, Header, Response

from api.schemas.assets import LedgerView
from api.service import ServiceDep
from ledger.ids import EntryId

MAX_SECONDS: Final = 30
"""Nobody is kept waiting for longer: who asks for more gets this much."""

THREADS: Final = 64
"""Requests that wait at once."""

LOOK_SECONDS: Final = 0.25
"""Between two looks at what another process may have done."""

_WAIT: Final = re.compile(r'wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?', re.IGNORECASE | re.ASCII)
_threads: Final = CapacityLimiter(THREADS)


def wanted(prefer: Iterable[str]) -> int:
    """Seconds that a caller prefers to wait, at most MAX_SECONDS; 0 where no `wait` can be read.

    The first `wait` counts, as RFC 7240 section 2 has it.
    """
    preferences = (each.strip() for line in prefer for each in line.split(","))
    found = next(filter(None, map(_WAIT.fullmatch, preferences)), None)
    return min(int(found[1]), MAX_SECONDS) if found else 0


class Patience:
    """What one request says of waiting, and what is answered to that."""

    def __init__(
        self,
        response: Response,
        prefer: Annotated[
            tuple[str, ...],
            Header(alias="Prefer", description="`wait=N`: answer when there is more to say, or in N seconds"),
        ] = (),
    ) -> None:
        self._response, self._seconds = response, wanted(prefer)

    def seconds(self) -> int:
        """How long this request waits, which it is told; 0 where it would not, or there is no room."""
        if not self._seconds or _threads.available_tokens < 1:
            return 0
        self._response.headers["Preference-Applied"] = f"wait={self._seconds}"
        return self._seconds

    async def until(self, done: Callable[[], bool]) -> None:
        """As long as the caller would rather wait, and it is not done. Raises what `done` raises."""
        with move_on_after(self.seconds()):
            while not await to_thread.run_sync(done, limiter=_threads):  # noqa: ASYNC110 -- it may be another process's
                await sleep(LOOK_SECONDS)


PatienceDep: TypeAlias = Annotated[Patience, Depends()]


class Proof:
    """Where an entry stands, for a request that may wait for its proof."""

    def __init__(self, service: ServiceDep, patience: PatienceDep) -> None:
        self._ledger, self._patience = service.ledger, patience

    async def wait(self, entry: str) -> None:
        """As long as the caller would rather wait, and the entry is not proven. Raises EntryNotFoundError."""
        if seconds := self._patience.seconds():
            await to_thread.run_sync(self._ledger.wait_proven, EntryId(entry), seconds, limiter=_threads)

    async def of(self, entry: str) -> LedgerView:
        """Where the entry stands, after that. Raises EntryNotFoundError."""
        await self.wait(entry)
        return LedgerView.of(entry, proven=await to_thread.run_sync(self._ledger.is_proven, EntryId(entry)))


ProofDep: TypeAlias = Annotated[Proof, Depends()]
