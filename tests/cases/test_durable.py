"""Workflows that are begun once, go on after kill -9, wait for what is down, and stop with their service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cases.durable import Next, Workflows, WorkflowsElsewhereError

PATIENCE = 60
CHILD = """
import os, sys, threading
from pathlib import Path
from cases.durable import Next, Workflows
done, url = Path(sys.argv[1]), sys.argv[2]
def turn(words):
    with done.open("a") as file:
        file.write(f"{os.getpid()} {words}\\n")
    if len(done.read_text().splitlines()) == 3:
        os.kill(os.getpid(), 9)
    return Next.MORE
Workflows(url, {"count": turn}, print).begin("count", "k1", "a", "b")
threading.Event().wait(60)
"""


def unexpected(name: str, error: BaseException) -> None:
    pytest.fail(f"{name}: {error}")


class Counting:
    """Turns that are counted; `left` are still to be taken."""

    def __init__(self, left: int, expected: tuple[str, ...] = ()) -> None:
        """`met` is set once a turn of the workflow with the expected words is taken."""
        self.left, self.words = left, set[tuple[str, ...]]()
        self._expected, self.met = expected, threading.Event()
        self.taken, self.ended = threading.Event(), threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.failures: list[Exception] = []

    def __call__(self, words: tuple[str, ...]) -> Next:
        self.words.add(words)
        if words == self._expected:
            self.met.set()
        self.taken.set()
        assert self.go_on.wait(PATIENCE)
        if self.failures:
            raise self.failures.pop()
        self.left -= 1
        if self.left > 0:
            return Next.MORE
        self.ended.set()
        return Next.DONE


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'workflows.db'}"


def test_a_workflow_is_begun_once_and_taken_turn_by_turn(url: str) -> None:
    turns = Counting(3)
    workflows = Workflows(url, {"count": turns}, unexpected)
    assert not workflows.started
    for _ in range(3):
        workflows.begin("count", "k1", "a", "b")
    assert turns.ended.wait(PATIENCE)
    workflows.close()
    workflows.close()
    assert (turns.left, turns.words, workflows.started) == (0, {("a", "b")}, False)


def test_closing_interrupts_and_the_next_start_goes_on(url: str) -> None:
    turns = Counting(10**6)
    first = Workflows(url, {"count": turns}, unexpected)
    first.begin("count", "k1", "a")
    assert turns.taken.wait(PATIENCE)
    first.close()
    reached = turns.left
    rest = Counting(10**6, expected=("a",))
    second = Workflows(url, {"count": rest}, unexpected)
    second.begin("count", "k2", "b")
    assert rest.met.wait(PATIENCE)
    second.close()
    assert turns.left == reached


def test_a_turn_that_fails_is_told_and_taken_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.durable.FIRST_PAUSE", 0.01)
    told: list[str] = []
    turns = Counting(1)
    turns.failures = [ValueError("not now"), OSError("nor now")]
    workflows = Workflows(url, {"count": turns}, lambda name, error: told.append(f"{name}: {error}"))
    workflows.begin("count", "k1")
    assert turns.ended.wait(PATIENCE)
    workflows.close()
    assert told == ["count: nor now", "count: not now"]


def test_closing_does_not_wait_for_a_pause(url: str) -> None:
    told = threading.Event()
    turns = Counting(1)
    turns.failures = [OSError("down")]
    workflows = Workflows(url, {"count": turns}, lambda _name, _error: told.set())
    workflows.begin("count", "k1")
    assert told.wait(PATIENCE)
    workflows.close()
    assert turns.left == 1


def test_one_service_of_a_process_runs_workflows(url: str, tmp_path: Path) -> None:
    turns = Counting(1)
    one, other = (Workflows(each, {"count": turns}, unexpected) for each in (url, url + "2"))
    one.begin("count", "k1")
    with pytest.raises(WorkflowsElsewhereError):
        other.begin("count", "k1")
    one.close()
    other.begin("count", "k1")
    other.close()


def test_after_kill_9_the_next_process_goes_on(url: str, tmp_path: Path) -> None:
    done = tmp_path / "done"
    killed = subprocess.run([sys.executable, "-c", CHILD, done, url], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(done.read_text().splitlines()) == 3
    rest = Counting(10**6, expected=("a", "b"))
    workflows = Workflows(url, {"count": rest}, unexpected)
    workflows.begin("count", "k2", "other")
    assert rest.met.wait(PATIENCE)
    workflows.close()
    assert f"{os.getpid()} " not in done.read_text()
