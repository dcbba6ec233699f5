from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.breaker import FAILURES, OPEN_SECONDS, Breaker
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, KeyStoreSealedError


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A breaker, its timer, and what it said."""

    def __init__(self) -> None:
        self.timer, self.said, self.made = Timer(), list[bool](), 0
        self.breaker = Breaker(self.said.append, self.timer)

    def call(self, failure: BaseException | None = None) -> None:
        with self.breaker.call():
            self.made += 1
            if failure is not None:
                raise failure

    def fail(self) -> None:
        with pytest.raises(KeyStoreDownError, match="nobody there"):
            self.call(KeyStoreDownError("nobody there"))

    def succeed(self) -> None:
        self.call()

    def opened(self) -> Bench:
        for _ in range(FAILURES):
            self.fail()
        return self


def test_failures_in_a_row_open_it() -> None:
    bench = Bench()
    for _ in range(FAILURES - 1):
        bench.fail()
    bench.succeed()
    for _ in range(FAILURES - 1):
        bench.fail()
    assert bench.said == []
    bench.fail()
    assert (bench.said, bench.breaker.is_open) == ([True], True)


def test_open_it_refuses_without_a_call_and_says_why() -> None:
    bench = Bench().opened()
    with pytest.raises(KeyStoreDownError, match=r"nobody there.*again"):
        bench.succeed()
    assert bench.made == FAILURES


def test_a_probe_that_succeeds_closes_it() -> None:
    bench = Bench().opened()
    bench.timer.now = OPEN_SECONDS
    bench.succeed()
    bench.succeed()
    assert bench.said == [True, False]


def test_a_probe_that_fails_opens_it_anew() -> None:
    bench = Bench().opened()
    bench.timer.now = OPEN_SECONDS
    bench.fail()
    with pytest.raises(KeyStoreDownError, match="again"):
        bench.succeed()
    assert bench.said == [True]


@pytest.mark.parametrize("kind", [KeyStoreSealedError, KeyStoreForbiddenError, ValueError, KeyboardInterrupt])
def test_who_refuses_is_there(kind: type[BaseException]) -> None:
    bench = Bench().opened()
    bench.timer.now = OPEN_SECONDS
    with pytest.raises(kind):
        bench.call(kind())
    assert bench.said == [True, False]


def test_one_probe_at_a_time() -> None:
    bench = Bench().opened()
    bench.timer.now = OPEN_SECONDS
    crowd, together, release = 16, threading.Barrier(16), threading.Event()
    refused = threading.Semaphore(0)

    def probe() -> bool:
        together.wait()
        try:
            with bench.breaker.call():
                assert release.wait(30)
                return True
        except KeyStoreDownError:
            refused.release()
            return False

    with ThreadPoolExecutor(crowd) as pool:
        probes = [pool.submit(probe) for _ in range(crowd)]
        for _ in range(crowd - 1):
            assert refused.acquire(timeout=30)
        release.set()
        assert sum(done.result() for done in probes) == 1


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2 * OPEN_SECONDS)), max_size=60))
def test_what_it_says_alternates_and_is_true(story: list[tuple[bool, float]]) -> None:
    bench = Bench()
    for works, later in story:
        bench.timer.now += later
        before, made = bench.breaker.is_open, bench.made
        try:
            bench.call(None if works else KeyStoreDownError("nobody there"))
        except KeyStoreDownError:
            assert before or not works
        assert not (works and bench.made > made and bench.breaker.is_open)
    assert bench.said == [index % 2 == 0 for index in range(len(bench.said))]
    assert (bench.said[-1:] == [True]) == bench.breaker.is_open
