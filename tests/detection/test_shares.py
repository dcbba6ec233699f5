from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from detection.errors import SandboxBusyError, WorkerCrashedError
from detection.process import Reply
from detection.sandbox import Sandbox
from detection.shares import Shares, Workers

JOBS = "tests.detection.hostile_jobs"


@contextmanager
def occupied(workers: Workers) -> Iterator[Future[Reply]]:
    """One job of theirs is in a worker while the block runs."""
    asked, release = threading.Event(), threading.Event()

    def hold(_: bytes) -> bytes:
        asked.set()
        release.wait()
        return b""

    with ThreadPoolExecutor(1) as caller:
        held = caller.submit(workers.run, "ask_once", {"question": ""}, (), hold)
        asked.wait()
        try:
            yield held
        finally:
            release.set()


def test_nobody_holds_more_than_their_share_and_others_are_served() -> None:
    with Sandbox(JOBS, size=2, wait_seconds=0.05) as sandbox:
        shares = Shares(sandbox, each=1)
        with occupied(shares.of("greedy")) as held:
            with pytest.raises(SandboxBusyError, match="your other files"):
                shares.of("greedy").run("echo", {})
            assert shares.of("modest").run("echo", {"n": 1}).result["args"] == {"n": 1}
            assert not held.done()
        assert shares.of("greedy").run("echo", {"n": 2}).result["args"] == {"n": 2}


def test_what_has_begun_waits_for_its_share_too() -> None:
    with Sandbox(JOBS, size=2, wait_seconds=0.05) as sandbox, ThreadPoolExecutor(1) as callers:
        shares = Shares(sandbox, each=1)
        with occupied(shares.of("greedy")):
            patient = callers.submit(shares.of("greedy").run, "echo", {}, begun=True)
            with pytest.raises(SandboxBusyError):
                shares.of("greedy").run("echo", {})
            assert not patient.done()
        patient.result()


def test_a_share_is_given_back_however_the_job_ends_and_then_forgotten() -> None:
    with Sandbox(JOBS, size=1, wait_seconds=60) as sandbox:
        shares = Shares(sandbox, each=1)
        for _ in range(2):
            with pytest.raises(WorkerCrashedError):
                shares.of("unlucky").run("die", {"how": "exit"})
        shares.of("unlucky").run("echo", {})
        gc.collect()  # errors and their frames hold each other
        assert not shares._free
