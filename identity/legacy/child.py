"""A child process for proofs from before Data Integrity, for whoever verifies outside of a worker.

A worker of `detection.sandbox`: no network, no files, bounded memory and time. It starts with the first such proof, as
most verifiers never see one; its death is one proof's finding, and the next proof gets another worker.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final, Self

from detection.errors import JobFailedError, RequestTooLargeError, WorkerError
from detection.isolation import Isolation
from detection.sandbox import Sandbox
from identity.errors import CheckFailedError
from identity.legacy.suites import judge
from identity.outcome import Check, Outcome

JOBS: Final = "identity.legacy.jobs"
SECONDS: Final = 10.0
"""For one proof: honest ones take ten milliseconds."""


class Child:
    """An `identity.legacy.suites.Legacy`. Thread-safe; `close` it, or use it as a context."""

    def __init__(self, isolation: Isolation = Isolation.REQUIRED, jobs: str = JOBS, seconds: float = SECONDS) -> None:
        """As `detection.sandbox.Sandbox`."""
        self._isolation, self._jobs, self._seconds = isolation, jobs, seconds
        self._lock = threading.Lock()
        # Under the lock.
        self._sandbox: Sandbox | None = None

    def __call__(self, document: Mapping[str, object], proof: Mapping[str, object]) -> None:
        """Raises CheckFailedError, also for what the worker died of; SandboxUnavailableError, SandboxBusyError."""
        args = {"document": {name: value for name, value in document.items() if name != "proof"}, "proof": proof}
        try:
            answer = self._started().run("errors", args, timeout=self._seconds)
        except (WorkerError, JobFailedError, RequestTooLargeError) as error:
            raise CheckFailedError(Check.SIGNATURE, f"didkit cannot verify it: {error}", Outcome.UNREADABLE) from error
        judge(answer.result["errors"])

    def close(self) -> None:
        """End the worker, if there is one."""
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _started(self) -> Sandbox:
        with self._lock:
            self._sandbox = self._sandbox or Sandbox(self._jobs, size=1, isolation=self._isolation)
            return self._sandbox
