from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.edge.body import BodyTooLargeError, BoundedBody
from api.edge.upload import (
    BUDGET_BYTES,
    FORM_BYTES,
    MAX_FIELD_BYTES,
    MAX_PARTS,
    Budget,
    SharedBudget,
    Upload,
    UploadError,
    UploadsBusyError,
    UploadTooLargeError,
    receive,
)
from detection.limits import MAX_UPLOAD_BYTES
from provenance.manifest import MAX_MANIFEST_STORE_BYTES
from tests.api.fixtures import settled
from tests.api.wire import counts, problem, upload
from tests.deployment import Running, picture, running

LIMIT = 100_000
MOST = LIMIT + FORM_BYTES + MAX_MANIFEST_STORE_BYTES
BOUNDARY = b"frontier"
TYPE = b"multipart/form-data; boundary=" + BOUNDARY


def part(name: bytes, content: bytes, *headers: bytes) -> bytes:
    head = [b'Content-Disposition: form-data; name="' + name + b'"', *headers]
    return b"--" + BOUNDARY + b"\r\n" + b"\r\n".join(head) + b"\r\n\r\n" + content + b"\r\n"


END = b"--" + BOUNDARY + b"--\r\n"


def received(
    body: bytes,
    chunk: int = 64,
    *,
    kind: bytes = TYPE,
    length: bytes = b"",
    limit: int = LIMIT,
    budget: Budget | None = None,
    photos: int = 0,
) -> Upload:
    """What `receive` makes of a body that arrives in pieces."""
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    headers = [(b"content-type", kind), *([(b"content-length", length)] if length else [])]
    arriving = iter(messages)

    async def receiving() -> Message:
        return next(arriving)

    got: list[Upload] = []

    async def app(scope: Scope, receive_: Receive, _send: Send) -> None:
        held = budget or Budget(BUDGET_BYTES)
        got.append(await receive(Request(scope, receive_), limit, held, photos=photos))

    asyncio.run(BoundedBody(app)({"type": "http", "headers": headers, "method": "POST"}, receiving, _nobody))
    return got[0]


LEDGERS = ("sigillo.db", "log-high-water")
"""In the names of files that are opened beside a request."""


async def _nobody(_message: Message) -> None:
    raise AssertionError("nothing is answered here")


def descriptors() -> set[tuple[str, str]]:
    """The memory files that are open, in which uploads lie: whatever else is, a deployment's threads open and close as
    they like.
    """
    held = {(path.name, os.path.realpath(path)) for path in Path("/proc/self/fd").iterdir()}
    return {(number, path) for number, path in held if "/memfd:" in path}


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=3000), claim=st.text(max_size=200), chunk=st.integers(1, 700))
def test_content_and_fields_arrive_whole_however_they_are_cut(content: bytes, claim: str, chunk: int) -> None:
    if BOUNDARY in content or BOUNDARY in claim.encode():
        return
    body = part(b"claim", claim.encode()) + part(b"file", content, b"Content-Type: image/png") + END
    with received(body, chunk) as got:
        assert got.content.read(LIMIT) == content
        assert got.content.sealed
        assert got.declared_mime == "image/png"
        assert got.fields == {"claim": claim}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (END, "no part called `file`"),
        (part(b"claim", b"{}") + END, "no part called `file`"),
        (part(b'photo"; filename="a.jpg', b"abc") + END, "no part called `file`: call the part `photo` so"),
        (part(b'photo"; filename="a.jpg', b"\xff\xd8") + END, "a part called `file`"),
        *(
            (part(name, b"a") * 2 + END, f"two parts are called `{name.decode()}`")
            for name in (b"file", b"manifest", b"claim")
        ),
        (part(b"file", b"a") + part(b"manifest", b"") + END, "`manifest` is empty"),
        (part(b"file", b"abc"), "closing boundary"),
        (part(b"file", b"abc")[:-6], "closing boundary"),
        (b"", "closing boundary"),
        (b"no boundary at all", "malformed"),
        (b"".join(part(b"%d" % n, b"") for n in range(MAX_PARTS + 1)) + END, f"more than {MAX_PARTS} parts"),
        (part(b"claim", b"x" * (MAX_FIELD_BYTES + 1)) + END, "larger than"),
        (part(b"claim", b"\xff\xfe") + part(b"file", b"") + END, "not UTF-8"),
        (part(b"file", b"abc", b"X-Long: " + b"y" * 100_000) + END, "malformed"),
        (part(b"file", b"abc", *[b"X-%d: y" % n for n in range(100)]) + END, "malformed"),
    ],
)
def test_a_broken_body_says_what_is_wrong_and_leaves_no_descriptor(body: bytes, says: str) -> None:
    before = descriptors()
    with pytest.raises(UploadError, match=says):
        received(body, 1000)
    assert not descriptors() - before


@settings(max_examples=20, deadline=None)
@given(contents=st.lists(st.binary(max_size=3000), min_size=1, max_size=3), chunk=st.integers(1, 700))
def test_photos_arrive_whole_each_in_a_memfd_of_its_own(contents: list[bytes], chunk: int) -> None:
    if any(BOUNDARY in one for one in contents):
        return
    budget = Budget(BUDGET_BYTES)
    body = b"".join(part(b"photo", one) for one in contents) + part(b"registration", b"{}") + END
    with received(body, chunk, photos=3, budget=budget) as upload_:
        assert [one.read(5000) for one in upload_.files] == contents
        assert all(one.sealed for one in upload_.files)
        assert upload_.fields == {"registration": "{}"}
        assert budget.held == FORM_BYTES + sum(map(len, contents))
    assert budget.held == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (part(b"photo", b"x") * 3 + END, "2 at most"),
        (part(b"photo", b"x" * (LIMIT + 1)) + END, "larger than"),
        (part(b"registration", b"{}") + END, "no part called `photo`"),
        (part(b"file", b"x") + END, "no part called `photo`"),
        (part(b"photo", b"x") + part(b"registration", b"{}") * 2 + END, "two parts are called"),
        (part(b"photo", b"x"), "before its closing boundary"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_photos_of_another_form_are_refused_and_leave_no_descriptor(body: bytes, says: str) -> None:
    before = descriptors()
    with pytest.raises(UploadError, match=says):
        received(body, photos=2)
    assert not descriptors() - before


def test_a_boundary_longer_than_any_is_malformed() -> None:
    with pytest.raises(UploadError, match="malformed"):
        received(b"x", kind=b"multipart/form-data; boundary=" + b"a" * 257)


@pytest.mark.parametrize("kind", [b"", b"application/json", b"multipart/form-data", b"multipart/mixed; boundary=x"])
def test_another_content_type_is_refused(kind: bytes) -> None:
    with pytest.raises(UploadError, match="multipart/form-data"):
        received(b"", kind=kind)


def test_file_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    received(part(b"file", b"x" * LIMIT) + END, 4096).content.close()
    with pytest.raises(UploadTooLargeError) as refused:
        received(part(b"file", b"x" * (LIMIT + 1)) + END, 4096)
    assert refused.value.limit == LIMIT


def test_declared_length_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(UploadTooLargeError):
        received(b"", length=b"%d" % (MOST + 1))


def test_what_follows_the_form_counts_too() -> None:
    before, budget = descriptors(), Budget(BUDGET_BYTES)
    body = part(b"file", b"abc") + END
    received(body + b"x" * 1000, budget=budget).close()
    with pytest.raises(BodyTooLargeError) as refused:
        received(body + b"x" * MOST, 4096, budget=budget)
    assert refused.value.limit == MOST
    assert (descriptors() - before, budget.held) == (set(), 0)


def test_a_connection_that_ends_early_leaves_no_descriptor() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    before = descriptors()
    request = Request({"type": "http", "headers": [(b"content-type", TYPE)], "method": "POST"}, gone)
    with pytest.raises(UploadError, match="connection ended"):
        asyncio.run(receive(request, LIMIT, Budget(BUDGET_BYTES)))
    assert not descriptors() - before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment that takes 64 KiB."""
    with settled(tmp_path_factory.mktemp("small"), upload_bytes=65536) as up:
        yield up


def test_too_large_by_length_and_by_chunks(small: Running) -> None:
    with small.http(small.key()) as http:
        before = counts(small)
        assert problem(upload(http, b"x" * 3_000_000), 413, "upload-too-large")["limit"] == 65536
        assert problem(upload(http, b"x" * 70_000), 413, "upload-too-large")["limit"] == 65536

        chunked = http.post(
            "/v1/assets",
            content=(piece for piece in [part(b"file", b"x" * 200_000), END]),
            headers={"content-type": TYPE.decode()},
        )
        problem(chunked, 413, "upload-too-large")
        assert counts(small) == before
        assert upload(http).status_code == 201


def test_a_field_may_come_from_a_file() -> None:
    with received(part(b'claim"; filename="claim.json', b"{}") + part(b"file", b"abc") + END) as got:
        assert (got.fields, got.size) == ({"claim": "{}"}, 3)


def test_a_field_for_a_manifest_that_was_left_empty_in_a_browser_is_none() -> None:
    unchosen = part(b'manifest"; filename="', b"", b"Content-Type: application/octet-stream")
    with received(part(b"file", b"abc") + unchosen + END) as got:
        assert (got.sidecar, got.size) == (None, 3)


def test_twenty_mebibytes_never_become_a_file(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def spooled(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was asked for")

    for name in ("mkstemp", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, spooled)
    before, seen = _temporary(), set[str]()

    def body() -> Iterator[bytes]:
        yield part(b"file", b"")[:-2]
        for _ in range(20):
            # Noise without a marker: by chance one could name a size beyond the limits, which is another refusal.
            yield b"\xff\xd8\xff\xe0" + os.urandom(1024 * 1024 - 4).replace(b"\xff", b"\x00")
            seen.update(_temporary())
        yield b"\r\n" + END

    with deployment.http(deployment.key()) as http:
        answer = http.post("/v1/assets", content=body(), headers={"content-type": TYPE.decode()})
    assert answer.status_code == 422, answer.text
    assert seen <= before


def _temporary() -> set[str]:
    """Files in temporary folders that this process has open, deleted ones too."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            if not descriptor.is_dir():  # SQLite opens a folder to make what it did there durable
                found.add(str(descriptor.readlink()))
    return {
        file for file in found if file.startswith(("/tmp/", "/var/tmp/")) and not any(name in file for name in LEDGERS)
    }


@pytest.mark.parametrize("cut", [10, 200, 900])
def test_body_cut_short_on_the_wire(deployment: Running, cut: int) -> None:
    """The client promised more and went away: nothing is kept, and the service is unharmed."""
    body = part(b"file", picture()) + END
    head = (
        f"POST /v1/assets HTTP/1.1\r\nHost: sigillo\r\nAuthorization: Bearer {deployment.key()}\r\n"
        f"Content-Type: {TYPE.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    before = counts(deployment)
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(deployment.socket))
        wire.sendall(head + body[:cut])
    with deployment.http() as http:
        assert http.get("/healthz").status_code == 200
    assert {**counts(deployment), "entry": 0, "payload": 0} == {**before, "entry": 0, "payload": 0}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x00b.jpg", "n" * 10_000, "photo\u202egpj.exe", "\ud83d\udcf7.jpg", "\\\\host\\c$"]
)
def test_file_names_mean_nothing(deployment: Running, name: str) -> None:
    name = name.encode("utf-16", "surrogatepass").decode("utf-16")
    body = (
        b"--"
        + BOUNDARY
        + b'\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\n\r\n'
        + picture()
        + b"\r\n"
        + END
    )
    with deployment.http(deployment.key()) as http:
        answer = http.post("/v1/assets", content=body, headers={"content-type": TYPE.decode()})
    # A header line has a limit; every name below it is read past.
    if len(name) == 10_000:
        problem(answer, 400, "upload-malformed")
    else:
        assert answer.status_code == 201, answer.text
        assert "passwd" not in answer.text


def test_anonymous_callers_are_refused_before_the_body_is_read(deployment: Running) -> None:
    with deployment.http() as http:
        problem(upload(http), 401, "unauthenticated")


def test_uploads_under_way_share_a_budget_and_give_it_back() -> None:
    budget = Budget(FORM_BYTES + 1500)
    body = part(b"file", bytes(1000)) + END
    with received(body, budget=budget) as first:
        assert budget.held == FORM_BYTES + 1000
        before = descriptors()
        with pytest.raises(UploadsBusyError):
            received(body, budget=budget)
        assert budget.held == FORM_BYTES + 1000
        assert not descriptors() - before
    assert budget.held == 0
    first.close()
    assert budget.held == 0
    with received(body, budget=budget) as again:
        assert again.size == 1000


def test_one_holder_takes_its_part_and_leaves_the_rest_to_others() -> None:
    shared = SharedBudget(2 * FORM_BYTES, each=FORM_BYTES)
    body = part(b"file", b"") + END
    with received(body, budget=shared.of("greedy")):
        with pytest.raises(UploadsBusyError):
            received(body, budget=shared.of("greedy"))
        with received(body, budget=shared.of("modest")), pytest.raises(UploadsBusyError):
            received(body, budget=shared.of("third"))
        assert shared.held == FORM_BYTES
    assert shared.held == 0
    received(body, budget=shared.of("greedy")).close()


def test_even_empty_uploads_count() -> None:
    budget = Budget(2 * FORM_BYTES)
    body = part(b"file", b"") + END
    with received(body, budget=budget), received(body, budget=budget), pytest.raises(UploadsBusyError):
        received(body, budget=budget)


def test_strangers_do_not_take_the_memory_of_callers(own: Running) -> None:
    """And the other way round: who brings a key is counted with those who do, whatever they ask for."""
    service, verify = own.service, "/v1/verifications"
    with own.http(own.key()) as http, own.http() as anyone:
        service.strangers.uploads.held = service.strangers.uploads.limit
        problem(upload(anyone, path=verify), 503, "uploads-busy")
        assert upload(http).status_code == 201
        assert upload(http, path=verify).status_code == 200
        service.strangers.uploads.held = 0
        service.callers.uploads.held = service.callers.uploads.limit
        problem(upload(http), 503, "uploads-busy")
        problem(upload(http, path=verify), 503, "uploads-busy")
        assert upload(anyone, path=verify).status_code == 200


def test_one_file_of_the_deployments_size_always_fits(tmp_path: Path) -> None:
    with running(tmp_path, upload_bytes=MAX_UPLOAD_BYTES) as up:
        for budget in (up.service.callers.uploads, up.service.strangers.uploads):
            budget.of("anyone").take(FORM_BYTES + MAX_UPLOAD_BYTES)
