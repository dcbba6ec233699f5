"""What the files of one kind of caller are worked on with: workers, threads, memory.

Strangers' files go to workers, threads and memory of their own: a worker hijacked by an anonymous file is never given a
claim to sign, and a crowd of strangers does not keep callers with keys waiting. Callers' uploads to be signed and their
files to be verified share workers but no threads: neither starves the other, nor the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.edge.turns import Turns
from api.edge.upload import BUDGET_BYTES, FORM_BYTES, SharedBudget
from api.running.log import logger
from api.settings import Profile, Settings
from cases.verification import Verification
from detection.isolation import Isolation
from detection.sandbox import Sandbox

JOBS = "provenance.jobs"
"""What workers can do."""

MANIFEST_BYTES = 64 * 1024 * 1024
"""What a signed file may be larger than its upload: much more than the history that is accepted."""

THREADS_PER_WORKER = 2
SPARE_THREADS = 4
"""Requests that a pool of workers has under way at once: some fill it, some read, seal and record meanwhile."""

WORKERS_FOR_OTHERS = 1
"""Workers of each pool that one principal, or one network of strangers, leaves to others however much it sends."""

STAMPING_THREADS = 32
"""Requests that may wait for a time-stamp atop these: that takes a thread and a round trip, and no worker."""


@dataclass(frozen=True)
class Desk:
    """What one kind of caller, with a key or without, verifies files with."""

    verification: Verification
    turns: Turns
    uploads: SharedBudget


def start_workers(settings: Settings, jobs: str, size: int | None = None) -> Sandbox:
    """A pool that can do these jobs, of `size` workers or as many as are set. Raises IsolationUnavailableError,
    SandboxUnavailableError.
    """
    isolation = Isolation.WARN if settings.profile is Profile.EMBEDDED else Isolation.REQUIRED
    sandbox = Sandbox(
        jobs,
        size=size or settings.workers,
        isolation=isolation,
        max_jobs=settings.worker_jobs,
        output_bytes=settings.upload_bytes + MANIFEST_BYTES,
    )
    if warning := sandbox.isolation_report().warning:
        logger("sandbox").warning(warning)
    return sandbox


def desk_of(settings: Settings, verification: Verification) -> Desk:
    """A desk with threads and memory of its own."""
    return Desk(verification, turns(settings.workers), budget(settings.upload_bytes))


def budget(upload_bytes: int) -> SharedBudget:
    """Room for many uploads, and at least for the largest with its parent; one holder leaves room for another's, where
    there is.
    """
    largest = upload_bytes + FORM_BYTES
    limit = max(BUDGET_BYTES, 2 * largest)
    return SharedBudget(limit, each=max(limit - largest, 2 * largest))


def share(workers: int) -> int:
    """How many of so many workers one holder may have at once; where there is but one, that one."""
    return max(workers - WORKERS_FOR_OTHERS, 1)


def turns(workers: int, more: int = 0) -> Turns:
    """Threads for requests that occupy a pool of so many workers, and `more`."""
    threads = THREADS_PER_WORKER * workers + SPARE_THREADS + more
    return Turns(threads, threads - THREADS_PER_WORKER * (workers - share(workers)))
