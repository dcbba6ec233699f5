from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from detection.errors import SandboxBusyError, SandboxUnavailableError, WorkerCrashedError
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
        shares = Shares(lambda: sandbox, each=1)
        with occupied(shares.of("greedy")) as held:
            with pytest.raises(SandboxBusyError, match="your other files"):
                shares.of("greedy").run("echo", {})
            assert shares.of("modest").run("echo", {"n": 1}).result["args"] == {"n": 1}
            assert not held.done()
        assert shares.of("greedy").run("echo", {"n": 2}).result["args"] == {"n": 2}


def test_what_has_begun_waits_for_its_share_too() -> None:
    with Sandbox(JOBS, size=2, wait_seconds=0.05) as sandbox, ThreadPoolExecutor(1) as callers:
        shares = Shares(lambda: sandbox, each=1)
        with occupied(shares.of("greedy")):
            patient = callers.submit(shares.of("greedy").run, "echo", {}, begun=True)
            with pytest.raises(SandboxBusyError):
                shares.of("greedy").run("echo", {})
            assert not patient.done()
        patient.result()


def test_a_share_is_given_back_however_the_job_ends_and_then_forgotten() -> None:
    with Sandbox(JOBS, size=1, wait_seconds=60) as sandbox:
        shares = Shares(lambda: sandbox, each=1)
        for _ in range(2):
            with pytest.raises(WorkerCrashedError):
                shares.of("unlucky").run("die", {"how": "exit"})
        shares.of("unlucky").run("echo", {})
        gc.collect()  # errors and their frames hold each other
        assert not shares._free


def test_the_pool_starts_with_its_first_job_and_ends_when_closed() -> None:
    started: list[Sandbox] = []

    def start() -> Sandbox:
        started.append(Sandbox(JOBS, size=1))
        return started[-1]

    shares = Shares(start, each=1)
    assert (started, shares.reason) == ([], "")
    for _ in range(2):
        assert shares.of("a").run("echo", {"n": 1}).result["args"] == {"n": 1}
    shares.start()
    assert (len(started), shares.reason) == (1, "")
    shares.close()
    with pytest.raises(SandboxUnavailableError, match="closed"):
        shares.of("a")
    with pytest.raises(SandboxUnavailableError, match="closed"):
        started[0].run("echo", {})


def test_why_it_does_not_start_is_said_until_it_does() -> None:
    broken = True

    def start() -> Sandbox:
        if broken:
            raise SandboxUnavailableError("no model")
        return Sandbox(JOBS, size=1)

    shares = Shares(start, each=1)
    with pytest.raises(SandboxUnavailableError, match="no model"):
        shares.of("a")
    assert shares.reason == "no model"
    with pytest.raises(SandboxUnavailableError, match="no model"):
        shares.start()
    broken = False
    assert shares.of("a").run("echo", {}).result["args"] == {}
    assert shares.reason == ""
    shares.close()


def test_closing_what_never_started_is_harmless() -> None:
    shares = Shares(lambda: pytest.fail("it started"), each=1)
    shares.close()
    shares.close()
    with pytest.raises(SandboxUnavailableError, match="closed"):
        shares.start()
