"""Turns: requests that occupy workers wait in line for a thread, first come, first served, and not for ever.

Who has many requests waits in a line of their own before that: however many they are, threads are left to others, as
`detection.shares` leaves workers to them.

How many wait is bounded by the memory that their uploads hold (`api.upload.Budget`), how long by TURN_SECONDS. So under
more load than there are workers for, the service goes on with those who still wait instead of those who gave up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar, TypeVarTuple, Unpack
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, fail_after, to_thread

from api.upload import UploadsBusyError

TURN_SECONDS = 30.0
"""How long a request waits for its turn; most clients wait for longer than that and the work together."""

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Turns:
    """So many requests at once have a thread each, and so many of each holder's: a principal's or a network's."""

    def __init__(self, threads: int, each: int, seconds: float = TURN_SECONDS) -> None:
        self._turns, self._each, self._seconds = CapacityLimiter(threads), each, seconds
        self._shares: WeakValueDictionary[str, CapacityLimiter] = WeakValueDictionary()
        self._threads = CapacityLimiter(math.inf)  # who has a turn finds a thread at once

    async def run(self, holder: str, work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
        """What `work` returns, run in a thread. Raises UploadsBusyError when no turn comes, and what it raises."""
        share = self._shares.setdefault(holder, CapacityLimiter(self._each))
        async with AsyncExitStack() as held:
            try:
                with fail_after(self._seconds):
                    await held.enter_async_context(share)
                    await held.enter_async_context(self._turns)
            except TimeoutError:
                raise UploadsBusyError from None
            return await to_thread.run_sync(work, *arguments, limiter=self._threads)
