"""Turns: requests that occupy workers wait in line for a thread, first come, first served, and not for ever.

Who has many requests waits in a line of their own before that: however many they are, threads are left to others, as
`detection.shares` leaves workers to them. A request that is cancelled ends when its work has ended: what it would close
is still in use.

How many wait is bounded by the memory that their uploads hold (`api.edge.upload.Budget`), how long by TURN_SECONDS. So
under more load than there are workers for, the service goes on with those who still wait, not with those who gave up.
"""

from __future__ import annotations

import asyncio
from asyncio import Semaphore
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from typing import TypeVar, TypeVarTuple, Unpack
from weakref import WeakValueDictionary

from api.edge.upload import UploadsBusyError

TURN_SECONDS = 30.0
"""How long a request waits for its turn; most clients wait for longer than that and the work together."""

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Turns:
    """So many requests at once have a thread each, and so many of each holder's: a principal's or a network's."""

    def __init__(self, threads: int, each: int, seconds: float = TURN_SECONDS) -> None:
        self._turns, self._each, self._seconds = Semaphore(threads), each, seconds
        self._shares: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()
        # Not anyio's threads: their queues are written in Python, and cost a verification a tenth of its throughput.
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="turn")

    async def run(self, holder: str, work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
        """What `work` returns, run in a thread. Raises UploadsBusyError when no turn comes, and what it raises."""
        share = self._shares.setdefault(holder, Semaphore(self._each))
        async with AsyncExitStack() as held:
            try:
                # A timer only where there is a line: it costs as much as all else here.
                waits = share.locked() or self._turns.locked()
                async with asyncio.timeout(self._seconds if waits else None):
                    await held.enter_async_context(share)
                    await held.enter_async_context(self._turns)
            except TimeoutError:
                raise UploadsBusyError from None
            return await _ended(self._threads.submit(work, *arguments))


async def _ended(working: Future[Result]) -> Result:
    """What it returns; cancelled or not, no earlier than it ends. `asyncio.shield` would take turns of the loop."""
    try:
        return await asyncio.wrap_future(working)
    finally:
        while not working.done():  # it was cancelled, and may be again
            with suppress(asyncio.CancelledError):
                await asyncio.wait([asyncio.wrap_future(working)])
