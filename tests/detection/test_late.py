"""A pool that starts with its first job, or says why it does not."""

from __future__ import annotations

import pytest

from detection.errors import SandboxUnavailableError
from detection.late import LateShares
from detection.sandbox import Sandbox

JOBS = "tests.detection.hostile_jobs"


def test_it_starts_with_its_first_job_and_ends_when_closed() -> None:
    started: list[Sandbox] = []

    def start() -> Sandbox:
        started.append(Sandbox(JOBS, size=1))
        return started[-1]

    late = LateShares(start, each=1)
    assert (started, late.reason) == ([], "")
    for _ in range(2):
        assert late.of("a").run("echo", {"n": 1}).result["args"] == {"n": 1}
    assert (len(started), late.reason) == (1, "")
    late.close()
    with pytest.raises(SandboxUnavailableError, match="closed"):
        late.of("a")
    with pytest.raises(SandboxUnavailableError, match="closed"):
        started[0].run("echo", {})


def test_why_it_does_not_start_is_said_until_it_does() -> None:
    broken = True

    def start() -> Sandbox:
        if broken:
            raise SandboxUnavailableError("no model")
        return Sandbox(JOBS, size=1)

    late = LateShares(start, each=1)
    with pytest.raises(SandboxUnavailableError, match="no model"):
        late.of("a")
    assert late.reason == "no model"
    broken = False
    assert late.of("a").run("echo", {}).result["args"] == {}
    assert late.reason == ""
    late.close()


def test_closing_what_never_started_is_harmless() -> None:
    late = LateShares(lambda: pytest.fail("it started"), each=1)
    late.close()
    late.close()
