"""Who carries codes: the operator's gateway over real HTTP, and in development a folder that says so loudly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from identity.assurance.errors import CodeNotSentError, SenderAbsentError
from identity.assurance.senders import MAX_AT_ONCE, OUTBOX_WARNING, Gateway, Message, Nobody, Outbox
from identity.assurance.tier import EvidenceKind
from identity.assurance.webhook import check
from keys.clock import system_clock
from tests.identity.assurance.house import SECRET
from tests.loopback import Quiet, listening

MESSAGE = Message("arq_x", EvidenceKind.EMAIL, "ada@example.org", "01234567", timedelta(minutes=10))


@dataclass
class Carrier:
    """The operator's service."""

    status: int = 202
    taken: list[dict[str, object]] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    busy: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[Carrier]:
        carrier = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                name = check([SECRET], headers, body, system_clock())
                carrier.taken.append({"id": name, **json.loads(body)})
                carrier.busy.release()
                carrier.let_go.wait(30)
                self.send_response(carrier.status)
                self.send_header("Location", carrier.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        with listening(Handler) as self.url:
            yield self


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier().running() as up:
        up.let_go.set()
        yield up


def test_a_code_reaches_the_gateway_signed_and_once(carrier: Carrier) -> None:
    Gateway(carrier.url, SECRET, system_clock).send(MESSAGE)
    expected = {"id": "arq_x", "kind": "email", "to": "ada@example.org", "code": "01234567", "minutes": 10}
    assert carrier.taken == [expected]


@pytest.mark.parametrize("status", [302, 400, 500])
def test_what_the_gateway_does_not_take_was_not_sent(carrier: Carrier, status: int) -> None:
    carrier.status = status
    with pytest.raises(CodeNotSentError, match=str(status)):
        Gateway(carrier.url, SECRET, system_clock).send(MESSAGE)
    assert len(carrier.taken) == 1, "neither again nor elsewhere"


def test_a_gateway_that_is_down_sends_nothing(carrier: Carrier) -> None:
    with pytest.raises(CodeNotSentError, match="does not answer"):
        Gateway("http://127.0.0.1:9", SECRET, system_clock).send(MESSAGE)


def test_a_gateway_that_is_slow_does_not_take_every_thread(carrier: Carrier) -> None:
    carrier.let_go.clear()
    gateway = Gateway(carrier.url, SECRET, system_clock)
    senders = [threading.Thread(target=gateway.send, args=[MESSAGE]) for _ in range(MAX_AT_ONCE)]
    for sender in senders:
        sender.start()
    for _ in senders:
        assert carrier.busy.acquire(timeout=30)
    with pytest.raises(CodeNotSentError, match="under way"):
        gateway.send(MESSAGE)
    carrier.let_go.set()
    for sender in senders:
        sender.join()
    gateway.send(MESSAGE)
    assert len(carrier.taken) == MAX_AT_ONCE + 1


def test_the_outbox_is_its_owners_and_says_what_it_is(tmp_path: Path) -> None:
    told: list[str] = []
    outbox = Outbox(tmp_path / "outbox", told.append)
    outbox.require()
    outbox.send(MESSAGE)
    (file,) = (tmp_path / "outbox").iterdir()
    assert json.loads(file.read_text()) == {"kind": "email", "to": "ada@example.org", "code": "01234567"}
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert told == [OUTBOX_WARNING]
    assert "INSECURE" in OUTBOX_WARNING
    (tmp_path / "file").write_text("")
    with pytest.raises(CodeNotSentError):
        Outbox(tmp_path / "file", told.append).send(MESSAGE)


def test_where_nobody_sends_nothing_is_begun() -> None:
    with pytest.raises(SenderAbsentError):
        Nobody().require()
    with pytest.raises(CodeNotSentError):
        Nobody().send(MESSAGE)


def test_neither_code_nor_address_shows_in_a_message() -> None:
    assert "01234567" not in repr(MESSAGE)
    assert "ada" not in repr(MESSAGE)
