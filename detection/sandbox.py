"""A pool of worker processes that parse hostile bytes and hold no secret (architecture, invariant 10).

Rules
- The sandbox knows no job by name: `jobs` names a module that only workers import, with `JOBS: Mapping[str,
  Job]` (see `detection.worker`). Importing happens before isolation, so that module loads all it will ever
  need.
- One worker's death is one request's error: it is replaced in the background, and nobody else waits for that.
- One thread starts and buries workers: the kernel ends a worker with the thread that started it.
- Inputs are sealed memfds, each job gets a read-only descriptor of its own; outputs are sealed on arrival.
- Workers that cannot start are retried ever more slowly, and `run` says why.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Self

from detection.errors import (
    IsolationUnavailableError,
    RequestTooLargeError,
    SandboxBusyError,
    SandboxUnavailableError,
    WorkerError,
)
from detection.frames import MAX_REQUEST_BYTES, FrameTooLargeError, encode
from detection.isolation import OUTPUT_BYTES, Isolation, IsolationReport
from detection.memfd import Memfd
from detection.process import Answers, Reply, WorkerProcess

JOB_SECONDS = 30.0
"""How long one job may take, on the wall clock."""

WAIT_SECONDS = 10.0
"""How long a request waits for a free worker."""

WAITS_ONCE_BEGUN = 30
"""So often as long, once a worker has worked for it: to turn it away then would throw that away, and under load all
work might end so.
"""

MAX_JOBS = 10_000
"""A worker is replaced after so many jobs (a start takes a fifth of a second of a core),"""

MAX_BUSY_SECONDS = 600.0
"""or after so much work: far below the processor time that the kernel grants it."""

FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 30.0
"""The pause after a failed start doubles from the first to the last."""


class Sandbox:
    """Worker processes for one job module. Thread-safe; `close` it, or use it as a context."""

    def __init__(
        self,
        jobs: str,
        *,
        size: int,
        isolation: Isolation = Isolation.REQUIRED,
        wait_seconds: float = WAIT_SECONDS,
        max_jobs: int = MAX_JOBS,
        output_bytes: int = OUTPUT_BYTES,
    ) -> None:
        """Start `size` workers and wait for them; each serves `max_jobs` files and makes none above `output_bytes`.

        Raises SandboxUnavailableError when they cannot start, IsolationUnavailableError when the kernel
        cannot isolate them and `isolation` requires it.
        """
        self._jobs, self._size, self._isolation = jobs, size, isolation
        self._wait_seconds = wait_seconds
        self._max_jobs = max_jobs
        self._output_bytes = output_bytes
        # A worker imports what this process would import.
        self._path = tuple(entry for entry in sys.path if entry.startswith("/"))
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        self._condemned: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        # Written by the keeper alone, and only replaced, never changed: safe to read from any thread.
        self._alive: frozenset[WorkerProcess] = frozenset()
        self._failure: SandboxUnavailableError | None = None
        self._report: Future[IsolationReport] = Future()
        self._keeper = threading.Thread(target=self._keep, name="sandbox-keeper", daemon=True)
        self._keeper.start()
        self._report.result()

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
        """Run one job in one worker and wait for its reply; `timeout` in seconds, without the time of
        `answer`. `begun` says that the request has had a worker before.

        Raises the `JobError` that the job raised, what `answer` raised, WorkerError (this job's worker died
        of it), SandboxBusyError, SandboxUnavailableError, RequestTooLargeError, ValueError for an input not
        sealed.
        """
        if not all(memfd.sealed for memfd in fds):
            raise ValueError("seal a memfd before a worker sees it")
        try:
            request = encode({"job": job, "args": dict(args)}, MAX_REQUEST_BYTES)
        except FrameTooLargeError as error:
            raise RequestTooLargeError(error.limit, error.actual) from error
        worker, fit = self._take(_waits(begun)), False
        try:
            reply = worker.perform(request, fds, answer, timeout)
            fit = True
        except WorkerError:
            raise
        except Exception:
            fit = True  # the job or `answer` refused; the worker did what it should
            raise
        finally:
            self._give_back(worker, fit=fit)
        return reply

    def patience(self, *, begun: bool) -> float:
        """How long a request waits for a worker, in seconds."""
        return _waits(begun) * self._wait_seconds

    def isolation_report(self) -> IsolationReport:
        """What the kernel enforces on the workers; its `warning` is for the log."""
        return self._report.result()

    @property
    def reason(self) -> str:
        """Why no worker can start; empty while they can."""
        return str(self._failure or "")

    def close(self) -> None:
        """End all workers, with the jobs under way; closing twice is harmless."""
        self._closing.set()
        self._condemned.put(None)
        self._keeper.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _take(self, waits: int) -> WorkerProcess:
        self._check(stalled=not self._alive)
        for _ in range(waits):
            try:
                return self._free.get(timeout=self._wait_seconds)
            except queue.Empty:
                self._check(stalled=True)
        raise SandboxBusyError(f"all {self._size} workers are occupied: try again")

    def _check(self, *, stalled: bool) -> None:
        if self._closing.is_set():
            raise SandboxUnavailableError("the sandbox is closed")
        if stalled and self._failure is not None:
            raise SandboxUnavailableError(str(self._failure)) from self._failure

    def _give_back(self, worker: WorkerProcess, *, fit: bool) -> None:
        if fit and worker.jobs_done < self._max_jobs and worker.busy_seconds < MAX_BUSY_SECONDS:
            self._free.put(worker)
        else:
            worker.kill()  # now: the keeper may be waiting for another worker to start
            self._condemned.put(worker)

    def _keep(self) -> None:
        try:
            self._report.set_result(self._start_all())
            while (worker := self._condemned.get()) is not None:
                self._alive -= {worker}
                worker.bury()
                self._replace()
        except BaseException as error:
            if self._report.done():
                raise
            self._report.set_exception(error)  # raised in the thread that waits for the start
        finally:
            self._closing.set()
            for worker in self._alive:
                worker.bury()

    def _start_all(self) -> IsolationReport:
        for _ in range(self._size):
            self._alive |= {self._start()}
        reports = [self._admit(worker) for worker in self._alive]
        return reports[0]

    def _replace(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._closing.is_set():
            try:
                self._replace_once()
            except SandboxUnavailableError as error:
                self._failure = error
                self._closing.wait(pause)
                pause = min(2 * pause, LAST_RETRY_SECONDS)
            else:
                self._failure = None
                return

    def _replace_once(self) -> None:
        worker = self._start()
        try:
            self._admit(worker)
        except SandboxUnavailableError:
            worker.bury()
            raise
        self._alive |= {worker}

    def _start(self) -> WorkerProcess:
        try:
            return WorkerProcess(self._jobs, self._path, self._output_bytes)
        except OSError as error:
            raise SandboxUnavailableError(f"the system starts no more processes: {error}") from error

    def _admit(self, worker: WorkerProcess) -> IsolationReport:
        report = worker.ready()
        if report.missing and self._isolation is Isolation.REQUIRED:
            raise IsolationUnavailableError(report.warning)
        self._free.put(worker)
        return report


def _waits(begun: bool) -> int:
    return WAITS_ONCE_BEGUN if begun else 1
