"""What was fetched, kept: for how long, for how many, and what happens when it cannot be had."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from api.outside.fetched import DID_DOCUMENTS, FAILURE_KEPT, MAX_KEPT, MAX_KEPT_BYTES, STATUS_LISTS, Kept, Shelf
from api.outside.fetching import Fetched, FetchFailedError, Wanted
from tests.ledger.world import HeldClock

URL = "https://issuer.example/status/1"
A_MOMENT = timedelta(milliseconds=1)


@dataclass
class Web:
    """Each fetch gives another answer, unless it is down."""

    shelf: Shelf = STATUS_LISTS
    clock: HeldClock = field(default_factory=HeldClock)
    down: bool = False
    max_age: int | None = None
    size: int = 0
    asked: int = 0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = Kept(self.get, self.shelf, self.clock, self.told.append)

    def get(self, _url: str, wanted: Wanted) -> Fetched:
        self.asked += 1
        if self.down:
            raise FetchFailedError("HTTP status 500")
        assert "application/json" in wanted.kinds
        return Fetched(b"%d" % self.asked + b" " * self.size, "application/json", self.max_age)

    def after(self, passed: timedelta) -> bytes | None:
        self.clock.move(passed)
        return self.kept.content(URL)


@pytest.mark.parametrize(
    ("shelf", "says", "kept"),
    [
        (STATUS_LISTS, None, timedelta(minutes=1)),
        (STATUS_LISTS, 20, timedelta(seconds=20)),
        (STATUS_LISTS, 0, timedelta(seconds=1)),
        (STATUS_LISTS, 999_999_999, timedelta(minutes=5)),
        (DID_DOCUMENTS, None, timedelta(minutes=5)),
        (DID_DOCUMENTS, 999_999_999, timedelta(minutes=15)),
    ],
)
def test_it_is_kept_as_long_as_its_server_says_within_bounds(shelf: Shelf, says: int | None, kept: timedelta) -> None:
    web = Web(shelf, max_age=says)
    assert [web.after(timedelta()), web.after(kept - A_MOMENT), web.after(A_MOMENT)] == [b"1", b"1", b"2"]


def test_what_cannot_be_had_is_not_served_from_before_and_not_asked_for_by_each() -> None:
    web = Web(max_age=20)
    assert web.after(timedelta()) == b"1"
    web.down = True
    assert web.after(timedelta(seconds=20)) is None
    assert web.after(FAILURE_KEPT - A_MOMENT) is None
    assert (web.asked, web.told) == (2, ["HTTP status 500"])
    web.down = False
    assert web.after(A_MOMENT) == b"3"


def test_who_asks_meanwhile_gets_the_same() -> None:
    web, begun, over = Web(), threading.Event(), threading.Event()

    def slow(url: str, wanted: Wanted) -> Fetched:
        begun.set()
        over.wait()
        return web.get(url, wanted)

    kept, got = Kept(slow, STATUS_LISTS, web.clock), list[bytes | None]()
    threads = [threading.Thread(target=lambda: got.append(kept.content(URL))) for _ in range(8)]
    threads[0].start()
    begun.wait()
    for thread in threads[1:]:
        thread.start()
    over.set()
    for thread in threads:
        thread.join()
    assert (got, web.asked) == ([b"1"] * 8, 1)


def test_a_fetch_that_breaks_leaves_nobody_waiting() -> None:
    def broken(_url: str, _wanted: Wanted) -> Fetched:
        raise ZeroDivisionError

    kept = Kept(broken, STATUS_LISTS, HeldClock())
    with pytest.raises(ZeroDivisionError):
        kept.content(URL)
    assert kept.content(URL) is None


@pytest.mark.parametrize(("size", "fit"), [(0, MAX_KEPT), (MAX_KEPT_BYTES // 4 - 1, 4)])
def test_there_is_room_for_so_many_and_the_oldest_goes(size: int, fit: int) -> None:
    web = Web(size=size)
    for number in range(fit):
        web.kept.content(f"{URL}{number}")
    web.kept.content(f"{URL}0")
    web.kept.content(f"{URL}new")
    assert web.asked == fit + 1
    web.kept.content(f"{URL}0")  # asked for again since
    assert web.asked == fit + 1
    web.kept.content(f"{URL}1")
    assert web.asked == fit + 2
