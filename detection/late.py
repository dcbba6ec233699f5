"""A pool of workers that starts with its first job: each costs half a second and sixty megabytes, and many deployments
never need it.

Whether the kernel can isolate workers is known from the pools that start with the service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from detection.errors import SandboxUnavailableError
from detection.sandbox import Sandbox
from detection.shares import Share, Shares


class LateShares:
    """`Shares` of a pool once there is one. Thread-safe; `close` it."""

    def __init__(self, start: Callable[[], Sandbox], each: int) -> None:
        """`each` is how many workers one holder may have at once."""
        self._start, self._each = start, each
        self._lock = threading.Lock()
        # Under the lock.
        self._shares: Shares | None = None
        self._closed = False
        self._failure = ""

    def of(self, holder: str) -> Share:
        """As `Shares.of`; the first waits until the workers have started, and a start that failed is tried again.

        Raises SandboxUnavailableError.
        """
        with self._lock:
            if self._closed:
                raise SandboxUnavailableError("the sandbox is closed")
            self._shares = self._shares or Shares(self._started(), self._each)
            return self._shares.of(holder)

    @property
    def reason(self) -> str:
        """Why no worker can start; empty while they can, and before it was tried."""
        shares = self._shares  # only ever set, and not awaited: a start may take seconds
        return self._failure if shares is None else shares.sandbox.reason

    def close(self) -> None:
        """End the workers, if there are any."""
        with self._lock:
            self._closed = True
            if self._shares is not None:
                self._shares.sandbox.close()

    def _started(self) -> Sandbox:
        try:
            sandbox = self._start()
        except SandboxUnavailableError as error:
            self._failure = str(error)
            raise
        self._failure = ""
        return sandbox
