"""A pool of workers, shared out: one file can occupy a worker for minutes, so nobody holds all of them.

Rules
- The pool starts with its first job, or when told to: each worker costs half a second and sixty megabytes, and most
  commands, and many deployments, never need one of some pool.
- A holder is a name, of a principal or a network, and is forgotten with the last of its requests.
- Who holds its share waits for a worker of its own as everyone waits for one of the pool, and is refused alike.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from detection.errors import SandboxBusyError, SandboxUnavailableError
from detection.memfd import Memfd
from detection.process import Answers, Reply
from detection.sandbox import JOB_SECONDS, Sandbox


@dataclass(frozen=True)
class Share:
    """As much of a pool as one holder may have at once."""

    sandbox: Sandbox
    free: queue.SimpleQueue[None]

    def run(
        self,
        job: str,
        args: Mapping[str, Any],
        fds: Sequence[Memfd] = (),
        answer: Answers = None,
        timeout: float = JOB_SECONDS,
        *,
        begun: bool = False,
    ) -> Reply:
        """As `Sandbox.run`; raises SandboxBusyError too while the holder's other jobs occupy its share."""
        try:
            self.free.get(timeout=self.sandbox.patience(begun=begun))
        except queue.Empty:
            raise SandboxBusyError(
                "as many workers as you may have are occupied by your other files: try again"
            ) from None
        try:
            return self.sandbox.run(job, args, fds, answer, timeout, begun=begun)
        finally:
            self.free.put(None)


Workers: TypeAlias = Sandbox | Share
"""What runs jobs: a whole pool, or somebody's share of it."""


class Shares:
    """Gives each holder its share. Thread-safe; `close` it."""

    def __init__(self, start: Callable[[], Sandbox], each: int) -> None:
        """`each` is how many workers one holder may have at once."""
        self._start, self._each = start, each
        self._lock = threading.Lock()
        # Under the lock.
        self._sandbox: Sandbox | None = None
        self._closed = False
        self._failure = ""
        self._free: WeakValueDictionary[str, queue.SimpleQueue[None]] = WeakValueDictionary()

    def start(self) -> None:
        """Start the workers, and wait for them. Raises SandboxUnavailableError."""
        with self._lock:
            self._started()

    def of(self, holder: str) -> Share:
        """The holder's share, the same one for all of its requests that overlap. The first waits until the workers have
        started; a start that failed is tried again.

        Raises SandboxUnavailableError.
        """
        with self._lock:
            return Share(self._started(), self._free.setdefault(holder, _tokens(self._each)))

    @property
    def reason(self) -> str:
        """Why no worker can start; empty while they can, and before it was tried."""
        sandbox = self._sandbox  # only ever set, and not awaited: a start may take seconds
        return self._failure if sandbox is None else sandbox.reason

    def close(self) -> None:
        """End the workers, if there are any; closing twice is harmless."""
        with self._lock:
            self._closed = True
            if self._sandbox is not None:
                self._sandbox.close()

    def _started(self) -> Sandbox:
        if self._closed:
            raise SandboxUnavailableError("the sandbox is closed")
        if self._sandbox is None:
            try:
                self._sandbox = self._start()
            except SandboxUnavailableError as error:
                self._failure = str(error)
                raise
            self._failure = ""
        return self._sandbox


def _tokens(number: int) -> queue.SimpleQueue[None]:
    """Taken and given back as a semaphore is, of which the library's own is written in Python."""
    tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
    for _ in range(number):
        tokens.put(None)
    return tokens
