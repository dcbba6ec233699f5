"""The pool: many callers, replaced workers, refusal to start, and the end with the parent."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import detection.sandbox
from detection.errors import (
    IsolationUnavailableError,
    RequestTooLargeError,
    SandboxBusyError,
    SandboxUnavailableError,
    WorkerCrashedError,
)
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import MAX_BUSY_SECONDS, MAX_JOBS, Sandbox

JOBS = "tests.detection.hostile_jobs"


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came true")


def _pid(sandbox: Sandbox) -> int:
    pid = sandbox.run("surroundings", {}).result["pid"]
    assert isinstance(pid, int)
    return pid


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_many_callers_each_get_their_own_reply() -> None:
    with Sandbox(JOBS, size=2, wait_seconds=60) as sandbox, ThreadPoolExecutor(8) as callers:
        replies = callers.map(lambda n: sandbox.run("echo", {"n": n}).result["args"]["n"], range(400))
        assert list(replies) == list(range(400))


def test_one_upload_may_be_read_by_several_workers_at_once() -> None:
    content = os.urandom(3_000_000)
    with (
        Memfd.of([content]) as upload,
        Sandbox(JOBS, size=2, wait_seconds=60) as sandbox,
        ThreadPoolExecutor(2) as callers,
    ):
        digests = callers.map(lambda _: sandbox.run("drain", {}, (upload,)).result["digest"], range(8))
        assert set(digests) == {hashlib.sha256(content).hexdigest()}


def test_a_crash_is_replaced_and_the_others_go_on() -> None:
    with Sandbox(JOBS, size=2, wait_seconds=60) as sandbox, ThreadPoolExecutor(4) as callers:
        crashing = [callers.submit(sandbox.run, "die", {"how": "segfault"}) for _ in range(6)]
        serving = [callers.submit(sandbox.run, "echo", {}) for _ in range(50)]
        assert all(isinstance(crash.exception(), WorkerCrashedError) for crash in crashing)
        assert all(served.exception() is None for served in serving)
        _until(lambda: len(sandbox._alive) == 2)


def test_busy_is_said_after_a_bounded_wait() -> None:
    asked, release = threading.Event(), threading.Event()

    def hold(_: bytes) -> bytes:
        asked.set()
        release.wait()
        return b""

    with Sandbox(JOBS, size=1, wait_seconds=0.05) as sandbox, ThreadPoolExecutor(1) as caller:
        held = caller.submit(sandbox.run, "ask_once", {"question": ""}, (), hold)
        asked.wait()
        with pytest.raises(SandboxBusyError):
            sandbox.run("echo", {})
        release.set()
        held.result()


def test_what_has_begun_is_not_turned_away() -> None:
    asked, release = threading.Event(), threading.Event()

    def hold(_: bytes) -> bytes:
        asked.set()
        release.wait()
        return b""

    with Sandbox(JOBS, size=1, wait_seconds=0.5) as sandbox, ThreadPoolExecutor(2) as callers:
        held = callers.submit(sandbox.run, "ask_once", {"question": ""}, (), hold)
        asked.wait()
        patient = callers.submit(sandbox.run, "echo", {}, begun=True)
        with pytest.raises(SandboxBusyError):
            sandbox.run("echo", {})
        assert not patient.done()
        release.set()
        held.result()
        patient.result()


@pytest.mark.parametrize(
    ("max_jobs", "busy_seconds", "runs"), [(3, MAX_BUSY_SECONDS, [3, 3]), (MAX_JOBS, 0.0, [1] * 6)]
)
def test_workers_are_retired(
    monkeypatch: pytest.MonkeyPatch, max_jobs: int, busy_seconds: float, runs: list[int]
) -> None:
    monkeypatch.setattr(detection.sandbox, "MAX_BUSY_SECONDS", busy_seconds)
    with Sandbox(JOBS, size=1, wait_seconds=60, max_jobs=max_jobs) as sandbox:
        pids = [_pid(sandbox) for _ in range(6)]
    assert [len(list(group)) for _, group in itertools.groupby(pids)] == runs


def test_jobs_that_cannot_load_are_named() -> None:
    with pytest.raises(SandboxUnavailableError, match="no_such_jobs"):
        Sandbox("no_such_jobs", size=2)


def test_workers_that_no_longer_start_are_retried_slowly_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection.sandbox, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(detection.sandbox, "LAST_RETRY_SECONDS", 0.02)
    monkeypatch.syspath_prepend(tmp_path)
    jobs = tmp_path / "fickle_jobs.py"
    good = f"from {JOBS} import JOBS\n"
    jobs.write_text(good)
    with Sandbox("fickle_jobs", size=1, wait_seconds=60) as sandbox:
        jobs.write_text("raise RuntimeError('the disk is gone')  # longer, so that no cached code fits\n")
        with pytest.raises(WorkerCrashedError):
            sandbox.run("die", {"how": "exit"})
        _until(lambda: sandbox._failure is not None)
        with pytest.raises(SandboxUnavailableError, match="the disk is gone"):
            sandbox.run("echo", {})
        jobs.write_text(good)
        _until(lambda: sandbox._failure is None)
        sandbox.run("echo", {})


@pytest.fixture
def unknown_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job module that makes its worker believe in a machine without a system call table."""
    (tmp_path / "riscv_jobs.py").write_text(
        f"import os, types\nfrom {JOBS} import JOBS\nos.uname = lambda: types.SimpleNamespace(machine='riscv64')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "riscv_jobs"


def test_isolation_that_is_required_and_missing_refuses_to_start(unknown_machine: str) -> None:
    with pytest.raises(IsolationUnavailableError, match="riscv64"):
        Sandbox(unknown_machine, size=1)


def test_isolation_that_is_missing_warns_where_allowed(unknown_machine: str) -> None:
    with Sandbox(unknown_machine, size=1, isolation=Isolation.WARN) as sandbox:
        assert sandbox.isolation_report().in_force == ("single thread", "capabilities", "landlock")
        assert "seccomp: no table of system calls for riscv64" in sandbox.isolation_report().warning
        sandbox.run("echo", {})


def test_requests_are_bounded(hostile: Sandbox) -> None:
    with pytest.raises(RequestTooLargeError) as caught:
        hostile.run("echo", {"text": "x" * (1 << 20)})
    assert caught.value.limit == 1 << 20


def test_an_unsealed_input_never_leaves(hostile: Sandbox) -> None:
    with Memfd.create() as memfd, pytest.raises(ValueError, match="seal"):
        hostile.run("echo", {}, (memfd,))


def test_a_closed_sandbox_says_so_and_leaves_nobody_behind() -> None:
    with Sandbox(JOBS, size=2) as sandbox:
        pids = {_pid(sandbox) for _ in range(4)}
    sandbox.close()
    assert all(_gone(pid) for pid in pids)
    with pytest.raises(SandboxUnavailableError, match="closed"):
        sandbox.run("echo", {})


def test_closing_ends_the_jobs_under_way() -> None:
    started = threading.Event()

    def start(_: bytes) -> bytes:
        started.set()
        return b""

    with ThreadPoolExecutor(1) as caller:
        with Sandbox(JOBS, size=1) as sandbox:
            spinning = caller.submit(sandbox.run, "ask_and_spin", {}, (), start)
            started.wait()
        assert isinstance(spinning.exception(), WorkerCrashedError)


PARENT = """
import os, sys, threading
sys.path.insert(0, {root!r})
from detection.sandbox import Sandbox
sandbox = Sandbox({jobs!r}, size=2)
def report(pid):
    os.write(1, pid + b"\\n")  # whole, where print would mix two threads' lines
    return b""
for _ in range(2):
    threading.Thread(target=sandbox.run, args=("ask_and_spin", {{}}, (), report)).start()
"""


def test_workers_die_with_a_killed_parent_in_the_middle_of_a_job() -> None:
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(root=root, jobs=JOBS)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        try:
            pids = [int(parent.stdout.readline()) for _ in range(2)]
            assert not any(_gone(pid) for pid in pids)
        finally:
            parent.send_signal(signal.SIGKILL)
    for pid in pids:
        _until(lambda pid=pid: _gone(pid))  # type: ignore[misc] # bound for the loop
