from __future__ import annotations

import asyncio
import threading

import pytest

from api.edge.turns import Turns
from api.edge.upload import UploadsBusyError
from tests.api.wire import PATIENCE
from tests.waiting import until


class Work:
    """Goes on until told to end."""

    def __init__(self) -> None:
        self.begun, self.end, self.times = threading.Event(), threading.Event(), 0

    def __call__(self, answer: str) -> str:
        self.times += 1
        self.begun.set()
        assert self.end.wait(PATIENCE)
        return answer


async def begun(work: Work) -> None:
    assert await asyncio.to_thread(work.begun.wait, PATIENCE)


def test_who_waits_too_long_is_asked_to_come_back_and_no_work_is_done_for_them() -> None:
    async def requests() -> str:
        turns, first, second = Turns(1, 1, seconds=0.01), Work(), Work()
        working = asyncio.create_task(turns.run("", first, "first"))
        await begun(first)
        with pytest.raises(UploadsBusyError):
            await turns.run("", second, "second")
        assert second.times == 0
        first.end.set()
        second.end.set()
        assert await working == "first"
        return await turns.run("", second, "second")  # the turn that was not had is not lost

    assert asyncio.run(requests()) == "second"


def test_turns_come_in_the_order_of_asking_and_no_more_at_once_than_there_are() -> None:
    async def requests() -> list[str]:
        turns, first, order = Turns(1, 1), Work(), list[str]()
        working = asyncio.create_task(turns.run("", first, ""))
        await begun(first)
        waiting = [asyncio.create_task(turns.run("", order.append, name)) for name in "abc"]
        await asyncio.sleep(0)
        assert order == []
        first.end.set()
        await asyncio.gather(working, *waiting)
        return order

    assert asyncio.run(requests()) == ["a", "b", "c"]


def test_a_turn_is_given_back_however_the_work_ends() -> None:
    async def requests() -> None:
        turns = Turns(1, 1, seconds=PATIENCE)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await turns.run("", divmod, 1, 0)

    asyncio.run(requests())


def test_who_has_many_requests_waits_in_a_line_of_their_own() -> None:
    async def requests() -> None:
        turns, slow = Turns(3, each=2), Work()
        greedy = [asyncio.create_task(turns.run("greedy", slow, "")) for _ in range(10)]
        await begun(slow)
        assert await turns.run("modest", str.upper, "served") == "SERVED"
        await asyncio.to_thread(until, lambda: slow.times == 2)
        slow.end.set()
        await asyncio.gather(*greedy)
        assert slow.times == 10
        assert not turns._shares, "who has nothing under way is forgotten"

    asyncio.run(requests())


def test_a_turn_not_had_in_ones_own_line_is_refused_like_any_other() -> None:
    async def requests() -> None:
        turns, slow = Turns(2, each=1, seconds=0.01), Work()
        working = asyncio.create_task(turns.run("greedy", slow, ""))
        await begun(slow)
        with pytest.raises(UploadsBusyError):
            await turns.run("greedy", slow, "")
        slow.end.set()
        await working
        assert await turns.run("greedy", str.upper, "served") == "SERVED"

    asyncio.run(requests())


def test_a_cancelled_request_ends_with_its_work() -> None:
    async def requests() -> None:
        turns, work = Turns(1, 1), Work()
        request = asyncio.create_task(turns.run("", work, ""))
        await begun(work)
        for _ in range(3):
            request.cancel()
            await asyncio.sleep(0)
        assert not request.done()
        work.end.set()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(requests())
