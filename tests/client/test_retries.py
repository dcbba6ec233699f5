from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from sigillo_client import NEVER, Problem, Retries, Sigillo, UnreachableError

Answer: TypeAlias = tuple[int, dict[str, str]] | None
"""None hangs up."""

OK: Answer = (200, {})
BUSY: Answer = (503, {})


class Server:
    """Gives these answers in turn, and remembers what it was sent."""

    def __init__(self, answers: Sequence[Answer], retries: Callable[[Callable[[float], None]], Retries]) -> None:
        self._answers = list(answers)
        self.keys, self.bodies, self.slept = list[str | None](), list[bytes](), list[float]()
        self.client = Sigillo(retries=retries(self.slept.append))
        self.client._http._transport.close()
        self.client._http._transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        self.bodies.append(request.read())
        answer = self._answers.pop(0)
        if answer is None:
            raise httpx.ReadError("hung up", request=request)
        status, headers = answer
        return httpx.Response(status, headers=headers, json={"title": "Said", "detail": "do this"})


def patient(sleep: Callable[[float], None]) -> Retries:
    return Retries(attempts=4, sleep=sleep, chance=lambda: 0.5)


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    file = tmp_path / "one.jpg"
    file.write_bytes(b"\xff\xd8" * 100_000)
    return file


def test_what_may_come_twice_is_sent_again_until_it_is_answered(upload: Path) -> None:
    server = Server([BUSY, None, (429, {}), OK], patient)
    with server.client as sigillo:
        sigillo.sign(upload)
    assert server.slept == [0.5, 1.0, 2.0], "twice as long each time, by half of chance"
    assert len(set(server.keys)) == 1, "one key for all of them"
    assert server.keys[0]
    parts = [body.partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0] for body in server.bodies]
    assert parts == [upload.read_bytes()] * 4, "the file is read again"


def test_a_key_of_the_callers_is_kept(upload: Path) -> None:
    server = Server([BUSY, OK], patient)
    with server.client as sigillo:
        sigillo.sign(upload, idempotency_key="mine")
    assert server.keys == ["mine", "mine"]


def test_two_uploads_are_two(upload: Path) -> None:
    server = Server([OK, OK], patient)
    with server.client as sigillo:
        sigillo.sign(upload)
        sigillo.sign(upload)
    assert len(set(server.keys)) == 2


def test_what_must_not_come_twice_is_sent_once() -> None:
    server = Server([BUSY], patient)
    with server.client as sigillo, pytest.raises(Problem, match="do this"):
        sigillo.appeal("ast_x", "it is me")
    assert server.slept == []


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422, 500, 501])
def test_a_refusal_stands(status: int) -> None:
    server = Server([(status, {})], patient)
    with server.client as sigillo, pytest.raises(Problem) as refused:
        sigillo.asset("ast_x")
    assert (refused.value.status, server.slept) == (status, [])


@pytest.mark.parametrize(
    ("stated", "slept"), [("7", 7.0), ("0", 0.5), ("-1", 0.5), ("nan", 0.5), ("Sun, 29 Nov 2026 12:00:00 GMT", 0.5)]
)
def test_a_server_says_how_long(stated: str, slept: float) -> None:
    server = Server([(503, {"Retry-After": stated}), OK], patient)
    with server.client as sigillo:
        sigillo.asset("ast_x")
    assert server.slept == [slept]


def test_nobody_waits_for_an_hour() -> None:
    server = Server([(429, {"Retry-After": "3600"})], patient)
    with server.client as sigillo, pytest.raises(Problem) as later:
        sigillo.asset("ast_x")
    assert later.value.retry_after == 3600
    assert server.slept == []


def test_in_the_end_the_last_answer_counts() -> None:
    server = Server([BUSY] * 4, patient)
    with server.client as sigillo, pytest.raises(Problem):
        sigillo.asset("ast_x")
    assert len(server.slept) == 3
    gone = Server([None] * 4, patient)
    with gone.client as sigillo, pytest.raises(UnreachableError):
        sigillo.asset("ast_x")


def test_who_never_sends_again_has_no_key_of_its_own(upload: Path) -> None:
    server = Server([BUSY], lambda _: NEVER)
    with server.client as sigillo, pytest.raises(Problem):
        sigillo.sign(upload)
    assert server.keys == [None]


def test_an_upload_tells_how_far_it_is(upload: Path) -> None:
    told = list[tuple[int, int]]()
    server = Server([BUSY, OK], patient)
    with server.client as sigillo:
        sigillo.sign(upload, progress=lambda sent, size: told.append((sent, size)))
    size = upload.stat().st_size
    turn = len(told) // 2
    assert told[:turn] == told[turn:], "once more from the start"
    sent = [sent for sent, _ in told[:turn]]
    assert sent == sorted(sent)
    assert (sent[-1], {of for _, of in told}) == (size, {size})
    assert turn > 1, "piece by piece"
