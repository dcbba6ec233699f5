"""`Prefer: wait=N` (RFC 7240 section 4.3): whoever decides may wait until the entry is proven, instead of asking again.

A preference is no demand. One that cannot be read, or would keep more threads waiting than there are for it, is passed
over; `Preference-Applied` says that it was taken up, and the answer's `state` whether the entry was proven in time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final, TypeAlias

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Header, Response

from api.schemas.assets import LedgerView
from api.service import ServiceDep
from ledger.ids import EntryId

MAX_SECONDS: Final = 30
"""Nobody is kept waiting for longer: who asks for more gets this much."""

THREADS: Final = 64
"""Requests that wait at once."""

_WAIT: Final = re.compile(r'wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?', re.IGNORECASE | re.ASCII)
_threads: Final = CapacityLimiter(THREADS)


def wanted(prefer: Iterable[str]) -> int:
    """Seconds that a caller prefers to wait, at most MAX_SECONDS; 0 where no `wait` can be read.

    The first `wait` counts, as RFC 7240 section 2 has it.
    """
    preferences = (each.strip() for line in prefer for each in line.split(","))
    found = next(filter(None, map(_WAIT.fullmatch, preferences)), None)
    return min(int(found[1]), MAX_SECONDS) if found else 0


class Proof:
    """What one request says of waiting, and what is answered to that."""

    def __init__(
        self,
        service: ServiceDep,
        response: Response,
        prefer: Annotated[
            list[str] | None,
            Header(alias="Prefer", description="`wait=N`: answer when the ledger entry is proven, or in N seconds"),
        ] = None,
    ) -> None:
        self._ledger, self._response, self._seconds = service.ledger, response, wanted(prefer or ())

    async def wait(self, entry: str) -> None:
        """As long as the caller would rather wait, and the entry is not proven. Raises EntryNotFoundError."""
        if self._seconds and _threads.available_tokens >= 1:
            self._response.headers["Preference-Applied"] = f"wait={self._seconds}"
            await to_thread.run_sync(self._ledger.wait_proven, EntryId(entry), self._seconds, limiter=_threads)

    async def of(self, entry: str) -> LedgerView:
        """Where the entry stands, after that. Raises EntryNotFoundError."""
        await self.wait(entry)
        return LedgerView.of(entry, proven=await to_thread.run_sync(self._ledger.is_proven, EntryId(entry)))


ProofDep: TypeAlias = Annotated[Proof, Depends()]
