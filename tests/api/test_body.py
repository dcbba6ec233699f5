from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.edge import body
from api.edge.body import BODY_BYTES, BodyTimeoutError, BoundedBody
from tests.api.wire import PATIENCE, problem
from tests.deployment import Running

KEYS = "/v1/api-keys"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("declared", [True, False])
def test_large_body_is_refused_before_anyone_asks_who_calls(deployment: Running, declared: bool) -> None:
    content = b" " * (BODY_BYTES + 1)

    def pieces() -> Iterator[bytes]:
        yield content

    with deployment.http() as http:
        answer = http.post(KEYS, content=content if declared else pieces(), headers=JSON)
    assert problem(answer, 413, "body-too-large")["limit"] == BODY_BYTES


def test_body_at_the_limit_is_read(deployment: Running) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        request = b'{"tool": "Padded"}'.ljust(BODY_BYTES)
        assert http.post(KEYS, content=request, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    ("path", "kind"),
    [(KEYS, "application/json"), ("/v1/verifications", "multipart/form-data; boundary=x")],
)
def test_body_that_does_not_come_is_given_up(
    deployment: Running, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(PATIENCE)
        wire.connect(str(deployment.socket))
        head = f"POST {path} HTTP/1.1\r\nHost: sigillo\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n\r\n"
        wire.sendall(head.encode() + b"--x\r\n")
        said = b"".join(iter(lambda: wire.recv(65536), b""))  # to its end: the connection is not kept
    status, headers, document = said.partition(b"\r\n")[0], *said.split(b"\r\n\r\n", 1)
    assert status.startswith(b"HTTP/1.1 408")
    kept = [line.split(b": ", 1) for line in headers.split(b"\r\n")[1:]]
    answer = httpx.Response(408, headers=[(name, value) for name, value in kept], content=document)
    assert answer.headers["connection"] == "close"
    problem(answer, 408, "upload-timeout")
    assert deployment.service.strangers.uploads.held == 0


def test_end_of_the_connection_is_waited_for_without_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long answer waits for it, to know when nobody listens any more."""
    monkeypatch.setattr(body, "BODY_SECONDS", -1.0)
    said: list[str] = []

    async def receive() -> Message:
        if said:
            await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        said.extend([(await receive())["type"]])
        said.extend([(await receive())["type"]])

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is answered here")

    asyncio.run(BoundedBody(app)({"type": "http"}, receive, send))
    assert said == ["http.request", "http.disconnect"]


def test_late_bodies_say_how_long_they_may_take() -> None:
    assert str(BodyTimeoutError()) == "the body did not arrive within 300 s; nothing was kept"
