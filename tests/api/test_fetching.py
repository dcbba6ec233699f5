"""What a stranger's document may make us fetch, over real sockets and real TLS."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest

from api.outside.fetching import MAX_AT_ONCE, MAX_URL, FetchError, FetchFailedError, FetchRefusedError, OpenWeb, Wanted
from tests.simulators.web_server import NAME, WebServer, http, trust

WANTED = Wanted(frozenset({"application/json"}), 64 * 1024)
HERE = "127.0.0.1"


def web(*addresses: str, seconds: float = 20, takes: Callable[[str], bool] = HERE.__eq__) -> OpenWeb:
    """For which every name has these addresses, and one of this machine lies in the open."""
    found = addresses or (HERE,)
    return OpenWeb(resolve=lambda _name, _port: found, takes=takes, seconds=seconds, trust=trust())


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(lambda _: [http(b"{}")]).running() as up:
        yield up


def refused(url: str, asked: OpenWeb) -> None:
    with pytest.raises(FetchRefusedError):
        asked.get(url, WANTED)


def test_a_document_comes(server: WebServer) -> None:
    server.answer = lambda _: [
        http(b"{}", "Application/JSON; charset=utf-8", more="Cache-Control: max-age=9, public\r\n")
    ]
    got = web().get(f"https://{NAME}:{server.port}/a/did.json?x=%20y", WANTED)
    assert (got.content, got.kind, got.max_age) == (b"{}", "application/json", 9)
    line, *head = server.asked[0].split("\r\n")
    assert line == "GET /a/did.json?x=%20y HTTP/1.1"
    assert f"Host: {NAME}:{server.port}" in head


def test_a_document_comes_from_an_ipv6_address() -> None:
    try:
        with WebServer(lambda _: [http(b"{}")], "::1").running() as up:
            got = web("::1", takes="::1".__eq__).get(f"https://{NAME}:{up.port}/", WANTED)
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert got.content == b"{}"


@pytest.mark.parametrize(
    "url",
    [
        *("http://issuer.example/", "ftp://issuer.example/", "HTTPS://issuer.example/", "file:///etc/passwd", ""),
        *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0x7f000001/", "https://0/"),
        *("https://017700000001/", "https://2130706433/", "https://127.1/", "https://0x7f.0.0.0x1/", "https://0177.0.0.1/"),
        *("https://localhost/", "https://metadata/", "https://issuer.example./", "https://127.0.0.1.nip.io./"),
        *("https://user@issuer.example/", "https://user:word@issuer.example/", "https://issuer.example:443@127.0.0.1/"),
        *("https://issuer.example%3A8443/", "https://issuer.example:0/", "https://issuer.example:65536/"),
        *("https://issuer.example:/", "https://issuer.example:08/", "https://issuer.example", "https:///issuer.example/"),
        *("https://issuer.example/#a", "https://issuer.example\\@127.0.0.1/", "https://issuer.example/a b"),
        *("https://issuer.example/\r\nHost: x", "https://issuer.example/\n", "https://\u0131ssuer.example/", " https://issuer.example/"),
        *("https://issuer.example/ü", "https://a..example/", "https://-a.example/", "https://issuer.123/"),
        f"https://issuer.example/{'a' * MAX_URL}",
    ],
)  # fmt: skip
def test_what_is_no_url_of_the_open_web_is_not_even_resolved(url: str) -> None:
    asked: list[str] = []

    def resolve(name: str, _port: int) -> Sequence[str]:
        asked.append(name)
        return [HERE]

    for loopback in (False, True):
        refused(url, OpenWeb(loopback=loopback, resolve=resolve, takes=lambda _: True, trust=trust()))
    assert asked == []


def test_an_address_that_is_ours_is_not_connected_to(server: WebServer) -> None:
    url = f"https://{NAME}:{server.port}/"
    for addresses in (("127.0.0.1",), ("::1",), ("93.184.216.34", "127.0.0.1"), ("::ffff:127.0.0.1",)):
        refused(url, OpenWeb(resolve=lambda _name, _port, found=addresses: found, trust=trust()))  # type: ignore[misc]
    assert server.asked == []


def test_a_name_that_moves_between_the_check_and_the_connection(server: WebServer) -> None:
    """DNS rebinding: what was checked is what is connected to, and the name is not asked for again."""
    answers = iter([(HERE,), ("127.0.0.2",)])
    with WebServer(lambda _: [http(b'{"inside": true}')], "127.0.0.2", port=server.port).running() as inside:
        moving = OpenWeb(resolve=lambda _name, _port: next(answers), takes=HERE.__eq__, trust=trust())
        assert moving.get(f"https://{NAME}:{server.port}/", WANTED).content == b"{}"
        assert inside.asked == []
    assert next(answers) == ("127.0.0.2",)


def test_an_address_that_does_not_answer_leaves_the_next(server: WebServer) -> None:
    takes = frozenset({HERE, "127.0.0.3"}).__contains__
    assert web("127.0.0.3", HERE, takes=takes).get(f"https://{NAME}:{server.port}/", WANTED).content == b"{}"


def test_a_certificate_for_another_name_will_not_do(server: WebServer) -> None:
    with pytest.raises(FetchFailedError):
        web().get(f"https://other.example:{server.port}/", WANTED)
    assert server.asked == []


def test_a_certificate_that_nobody_vouches_for_will_not_do(server: WebServer) -> None:
    asked = OpenWeb(resolve=lambda _name, _port: [HERE], takes=HERE.__eq__)
    with pytest.raises(FetchFailedError):
        asked.get(f"https://{NAME}:{server.port}/", WANTED)
    assert server.asked == []


LONG = b"[" + b" " * 10 * 1024 * 1024 + b"]"


def chunked() -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1000\r\n" + b" " * 0x1000 + b"\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([http(b"", status="301 Moved", more="Location: https://127.0.0.1/\r\n")], "status 301"),
        ([http(b"{}", status="404 Not Found")], "status 404"),
        ([http(b"{}", status="206 Partial Content")], "status 206"),
        ([http(b"{}", "text/html")], "content type"),
        ([http(b"{}", "")], "content type"),
        ([http(LONG)], "longer than"),
        ([http(gzip.compress(LONG), more="Content-Encoding: gzip\r\n")], "compressed"),
        (chunked(), "longer than"),
        ([http(b"{}" * 9)[:-5]], "RemoteProtocolError"),
        ([b"SSH-2.0-OpenSSH\r\n"], "RemoteProtocolError"),
        ([b""], "no answer"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n"], "RemoteProtocolError"),
    ],
)
def test_an_answer_that_is_not_as_it_should_be(server: WebServer, answer: Iterable[bytes], why: str) -> None:
    server.answer = lambda _: answer
    with pytest.raises(FetchFailedError, match=why):
        web().get(f"https://{NAME}:{server.port}/", WANTED)
    assert len(server.asked) == 1


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nX: ", http(b" " * 60_000)[:-59_000]])
def test_an_answer_that_drips(server: WebServer, first: bytes) -> None:
    """In the head or in the body, one byte now and then: it has its time as a whole."""
    over = threading.Event()

    def drip(_head: str) -> Iterable[bytes]:
        yield first
        while not over.wait(0.02):
            yield b" "

    server.answer = drip
    with pytest.raises(FetchFailedError, match="within"):
        web(seconds=0.3).get(f"https://{NAME}:{server.port}/", WANTED)
    over.set()


def test_a_name_server_that_never_answers() -> None:
    over = threading.Event()
    asked = OpenWeb(resolve=lambda _name, _port: [str(over.wait())], takes=HERE.__eq__, seconds=0.2, trust=trust())
    with pytest.raises(FetchFailedError, match="within"):
        asked.get(f"https://{NAME}/", WANTED)
    over.set()


def test_a_name_without_an_address_and_one_that_cannot_be_a_name() -> None:
    with pytest.raises(FetchFailedError, match="no address"):
        OpenWeb(resolve=lambda _name, _port: [], trust=trust()).get(f"https://{NAME}/", WANTED)
    for error in (socket.gaierror("unknown"), UnicodeError("label too long")):

        def resolve(_name: str, _port: int, error: Exception = error) -> Sequence[str]:
            raise error

        with pytest.raises(FetchFailedError):
            OpenWeb(resolve=resolve, trust=trust()).get(f"https://{NAME}/", WANTED)


def test_only_so_many_at_once(server: WebServer) -> None:
    over, outcomes = threading.Event(), []

    def hold(_head: str) -> Iterable[bytes]:
        over.wait()
        yield http(b"{}")

    server.answer = hold
    shared, url = web(), f"https://{NAME}:{server.port}/"

    def ask() -> None:
        try:
            outcomes.append(shared.get(url, WANTED).content)
        except FetchError as error:
            outcomes.append(str(error).encode())
            over.set()

    threads = [threading.Thread(target=ask) for _ in range(MAX_AT_ONCE + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([b"{}"] * MAX_AT_ONCE + [b"16 fetches are under way"])
    assert shared.get(url, WANTED).content == b"{}"  # their turns came back


def test_this_machine_is_for_development() -> None:
    with WebServer(lambda _: [http(b"{}")], tls=False).running() as plain:
        url = f"http://localhost:{plain.port}/status/1"
        refused(url, OpenWeb(trust=trust()))
        development = OpenWeb(loopback=True, trust=trust())
        assert development.get(url, WANTED).content == b"{}"
        for elsewhere in (
            "http://issuer.example/",
            "http://127.0.0.2/",
            "http://localhost.example/",
            "http://10.0.0.1/",
        ):
            refused(elsewhere, development)
