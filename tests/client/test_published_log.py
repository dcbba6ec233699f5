from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sigillo_client import Problem, PublishedLog, UnreachableError
from sigillo_client.published_log import FILE_SECONDS, LONGEST_WAIT_SECONDS, MAX_BYTES
from tests.dripping import DRIPS, dripping

Answers = list[tuple[int, dict[str, str], bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], str]]:
    """Gives these answers, one after the other, the last one for ever; the address."""
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/ledger"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_file_or_nothing(serve: Callable[[Answers], str]) -> None:
    with PublishedLog(serve([(200, {}, b"hashes"), (404, {}, b"no")])) as log:
        assert log("tile/0/000") == b"hashes"
        assert log("tile/0/001") is None


def test_who_asks_too_fast_waits_as_told(serve: Callable[[Answers], str]) -> None:
    slept: list[float] = []
    busy = [(429, {"Retry-After": "7"}, b""), (503, {"Retry-After": "9999"}, b""), (503, {"Retry-After": "x"}, b"")]
    busy += [(503, {"Retry-After": hostile}, b"") for hostile in ("nan", "-1e9", "\xff", "9" * 5000)]
    with PublishedLog(serve([*busy, (200, {}, b"at last")]), slept.append) as log:
        assert log("checkpoint") == b"at last"
    assert slept == [7, LONGEST_WAIT_SECONDS, *[1] * 5]


@dataclass
class Time:
    """Passes by sleeping, and by a second at each look."""

    now: float = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def look(self) -> float:
        self.now += 1
        return self.now


def test_a_server_that_never_has_time_is_a_problem(serve: Callable[[Answers], str]) -> None:
    busy, passing = serve([(429, {"Retry-After": "50"}, b'{"title": "Too many requests"}')]), Time()
    with PublishedLog(busy, passing.sleep, passing.look) as log, pytest.raises(Problem, match="Too many requests"):
        log("checkpoint")
    assert FILE_SECONDS - 60 < passing.now < FILE_SECONDS


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_server_that_gives_a_bit_now_and_then_is_given_up(drip: tuple[bytes, bytes]) -> None:
    with (
        dripping(*drip) as url,
        PublishedLog(url, seconds=0.2) as log,
        pytest.raises(UnreachableError, match="takes longer"),
    ):
        log("checkpoint")


@pytest.mark.parametrize("body", [b"[" * 100_000, b"1" * 10_000, b'{"type": []}', b"\xff"])
def test_what_it_says_of_its_failure_breaks_nobody(serve: Callable[[Answers], str], body: bytes) -> None:
    url = serve([(500, {"Content-Type": "application/problem+json; \xff"}, body)])
    with PublishedLog(url) as log, pytest.raises(Problem):
        log("checkpoint")


def test_a_packed_answer_is_not_unpacked(serve: Callable[[Answers], str]) -> None:
    bomb = gzip.compress(gzip.compress(bytes(100 * MAX_BYTES)))
    with PublishedLog(serve([(200, {"Content-Encoding": "gzip, gzip"}, bomb)])) as log:
        assert log("checkpoint") == bomb


def test_what_is_no_log_does_not_fill_memory(serve: Callable[[Answers], str]) -> None:
    with PublishedLog(serve([(200, {}, bytes(MAX_BYTES + 1))])) as log, pytest.raises(UnreachableError, match="no log"):
        log("checkpoint")


def test_nobody_there() -> None:
    for url in ("http://127.0.0.1:1/ledger", "nonsense", "http://[/"):
        with pytest.raises(UnreachableError), PublishedLog(url) as log:
            log("checkpoint")


def test_a_redirect_is_not_followed(serve: Callable[[Answers], str]) -> None:
    with PublishedLog(serve([(302, {"Location": "http://elsewhere.example/"}, b"")])) as log, pytest.raises(Problem):
        log("checkpoint")
