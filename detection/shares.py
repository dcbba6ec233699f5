"""A pool of workers, shared out: one file can occupy a worker for minutes, so nobody holds all of them.

Rules
- A holder is a name, of a principal or a network, and is forgotten with the last of its requests.
- Who holds its share waits for a worker of its own as everyone waits for one of the pool, and is refused alike.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from detection.errors import SandboxBusyError
from detection.memfd import Memfd
from detection.process import Answers, Reply
from detection.sandbox import JOB_SECONDS, Sandbox


@dataclass(frozen=True)
class Share:
    """As much of a pool as one holder may have at once."""

    sandbox: Sandbox
    free: threading.Semaphore

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
        if not self.free.acquire(timeout=self.sandbox.patience(begun=begun)):
            raise SandboxBusyError("as many workers as you may have are occupied by your other files: try again")
        try:
            return self.sandbox.run(job, args, fds, answer, timeout, begun=begun)
        finally:
            self.free.release()


Workers: TypeAlias = Sandbox | Share
"""What runs jobs: a whole pool, or somebody's share of it."""


class Shares:
    """Gives each holder its share. Thread-safe."""

    def __init__(self, sandbox: Sandbox, each: int) -> None:
        """`each` is how many workers one holder may have at once."""
        self.sandbox, self._each = sandbox, each
        self._lock = threading.Lock()
        self._free: WeakValueDictionary[str, threading.Semaphore] = WeakValueDictionary()

    def of(self, holder: str) -> Share:
        """The holder's share, the same one for all of its requests that overlap."""
        with self._lock:
            return Share(self.sandbox, self._free.setdefault(holder, threading.Semaphore(self._each)))
