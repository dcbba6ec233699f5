from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from api.app import create_app
from api.edge.connections import MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_PIPELINED
from api.edge.listening import server_of
from api.running.server import _wait_until_started
from tests.api.wire import PATIENCE, problem
from tests.deployment import Running

MEGABYTE = 1024 * 1024
GET = b"GET /healthz HTTP/1.1\r\nHost: sigillo\r\n"
POST = b"POST /v1/api-keys HTTP/1.1\r\nHost: sigillo\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"


@contextmanager
def connected(up: Running) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(PATIENCE)
        wire.connect(str(up.socket))
        yield wire


def answers(wire: socket.socket, count: int) -> list[bytes]:
    """Status lines of so many answers on one connection, which each bring a Content-Length."""
    file, found = wire.makefile("rb"), []
    for _ in range(count):
        found.append(file.readline())
        headers = dict(line.rstrip().lower().split(b": ", 1) for line in iter(file.readline, b"\r\n"))
        file.read(int(headers[b"content-length"]))
    return found


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_a_body_is_never_read_as_the_next_request(deployment: Running, protocol: bytes) -> None:
    smuggled = GET + b"\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    with connected(deployment) as wire:
        wire.sendall(POST + upgrade + b"Content-Length: %d\r\n\r\n" % len(smuggled))
        said = wire.recv(65536)
        with suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall(smuggled)
            while more := wire.recv(65536):
                said += more
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (GET + b"X-Long: ", b"x"),
        (GET, b"X: y\r\n"),
        (b"GET /", b"x"),
        (CHUNKED + b"0\r\nX-Trailer: ", b"x"),
        (CHUNKED + b"0\r\n", b"X: y\r\n"),
        (CHUNKED + b"2;", b"x"),
    ],
    ids=["header", "headers", "URL", "trailer", "trailers", "chunk extension"],
)
def test_connection_ends_when_what_is_no_body_does_not(deployment: Running, head: bytes, endless: bytes) -> None:
    with connected(deployment) as wire:
        wire.sendall(head)
        sent, said = 0, b""
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < 8 * MEGABYTE:
                sent += wire.send(endless * (MAX_HEAD_BYTES // len(endless)))
        with suppress(ConnectionResetError):
            said = wire.recv(65536)
    assert sent < 8 * MEGABYTE
    assert said == b"" or said.startswith(b"HTTP/1.1 400")
    with deployment.http() as http:
        assert http.get("/healthz").status_code == 200


def test_kept_connection_may_carry_many_heads(deployment: Running) -> None:
    request = GET + b"X-Padding: " + b"x" * 8000 + b"\r\n\r\n"
    with connected(deployment) as wire:
        for _ in range(3 * MAX_HEAD_BYTES // 8000):
            wire.sendall(request)
            assert answers(wire, 1) == [b"HTTP/1.1 200 OK\r\n"]


def test_pipelined_requests_count_apart(deployment: Running) -> None:
    body = b'{"tool": "x"}'.ljust(MAX_HEAD_BYTES)
    post = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connected(deployment) as wire:
        wire.sendall(post + GET + b"\r\n" + post + GET[:30])
        assert [line.split()[1] for line in answers(wire, 3)] == [b"401", b"200", b"401"]
        wire.sendall(GET[30:] + b"\r\n")
        assert answers(wire, 1) == [b"HTTP/1.1 200 OK\r\n"]


def test_packet_full_of_requests_is_not_worked_through(deployment: Running) -> None:
    """One at a time is answered while `MAX_PIPELINED` wait; a thousand at once end the connection."""
    with connected(deployment) as wire:
        wire.sendall((GET + b"\r\n") * MAX_PIPELINED)
        assert answers(wire, MAX_PIPELINED) == [b"HTTP/1.1 200 OK\r\n"] * MAX_PIPELINED
        with suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall((GET + b"\r\n") * 1000)
        said = b""
        with suppress(ConnectionResetError):
            said = b"".join(iter(lambda: wire.recv(65536), b""))
    assert said.count(b"HTTP/1.1 200") <= MAX_PIPELINED + 1


MOST = 3


@pytest.fixture
def port(deployment: Running) -> Iterator[int]:
    """The deployment, on the network too, with room for MOST connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_of(create_app(deployment.service), MOST)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        _wait_until_started(server, thread)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


def test_one_connection_too_many_is_asked_to_come_back(deployment: Running, port: int) -> None:
    url = f"http://127.0.0.1:{port}/healthz"
    with connections(port, MOST):
        answer = httpx.get(url)
        problem(answer, 503, "connections-busy")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["connection"] == "close"
        with connections(port, MOST + 1) as more:
            assert cut_off(more[-1])
        with deployment.http() as local:
            assert local.get("/healthz").status_code == 200
    deadline = time.monotonic() + PATIENCE
    while httpx.get(url).status_code != 200:
        assert time.monotonic() < deadline, "those who left are still counted"


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many that rest, each known to the server."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(count)]


def cut_off(wire: socket.socket) -> bool:
    try:
        return wire.recv(1) == b""
    except ConnectionResetError:
        return True


def test_every_descriptor_that_is_granted_is_taken() -> None:
    script = """if True:
        import resource
        from api.edge.connections import most_connections

        for limits in ((1024, 20_000), (100, 400)):
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            print(most_connections(), *resource.getrlimit(resource.RLIMIT_NOFILE))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{MAX_CONNECTIONS} 20000 20000", "100 400 400"]
