"""Turns: requests that occupy workers wait in line for a thread, first come, first served, and not for ever.

How many wait is bounded by the memory that their uploads hold (`api.upload.Budget`), how long by TURN_SECONDS. So under
more load than there are workers for, the service goes on with those who still wait instead of those who gave up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import CapacityLimiter, fail_after, to_thread

from api.upload import UploadsBusyError

TURN_SECONDS = 30.0
"""How long a request waits for its turn; most clients wait for longer than that and the work together."""

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Turns:
    """So many requests at once have a thread each."""

    def __init__(self, threads: int, seconds: float = TURN_SECONDS) -> None:
        self._turns, self._seconds = CapacityLimiter(threads), seconds
        self._threads = CapacityLimiter(math.inf)  # who has a turn finds a thread at once

    async def run(self, work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
        """What `work` returns, run in a thread. Raises UploadsBusyError when no turn comes, and what it raises."""
        mine = object()
        try:
            with fail_after(self._seconds):
                await self._turns.acquire_on_behalf_of(mine)
        except TimeoutError:
            raise UploadsBusyError from None
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._threads)
        finally:
            self._turns.release_on_behalf_of(mine)
