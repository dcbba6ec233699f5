"""Whatever a worker sends or however it dies: one typed error, nothing leaked, and the next job is served."""

from __future__ import annotations

import base64
import gc
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from detection.errors import (
    JobFailedError,
    MediaTooLargeError,
    WorkerCrashedError,
    WorkerError,
    WorkerMemoryError,
    WorkerProtocolError,
    WorkerTimeoutError,
)
from detection.frames import MAX_ASK_BYTES, MAX_REPLY_BYTES
from detection.memfd import Memfd
from detection.sandbox import Sandbox

STUCK_SECONDS = 30
"""How long a test waits before it calls something stuck; never a measurement."""


def _open_descriptors(sandbox: Sandbox) -> set[str]:
    """Pairs of sockets, pipes and memory files by inode, without the living workers' own; taken once nothing moves:
    lost workers are replaced, and no earlier test's garbage is left. (Other tests' services may close theirs meanwhile,
    and connect to their database: a socket whose other end has a name is none of a worker's.)
    """
    deadline = time.monotonic() + STUCK_SECONDS
    while sandbox._free.qsize() < sandbox._size:
        assert time.monotonic() < deadline, "a lost worker was not replaced"
        time.sleep(0.01)
    gc.collect()
    workers = {worker._channel._socket.fileno() for worker in sandbox._alive}
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own descriptor
            if int(entry.name) not in workers and not _connected(int(entry.name)):
                found.add(f"{entry.name} {entry.readlink()}")
    return {name for name in found if "/" not in name or "/memfd:" in name}


def _connected(descriptor: int) -> bool:
    """Whether it is a socket to an address."""
    try:
        found = socket.socket(fileno=descriptor)
    except OSError:  # another kind, or closed meanwhile
        return False
    try:
        return bool(found.getpeername())
    except OSError:  # nobody at the other end
        return False
    finally:
        found.detach()


@pytest.fixture(scope="module", autouse=True)
def left_alone() -> None:
    """What lives by now stays: whoever looks for garbage of one test need not go through what others hold."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def served_afterwards(left_alone: None, hostile: Sandbox) -> Iterator[None]:
    hostile.run("echo", {})
    before = _open_descriptors(hostile)
    yield
    with hostile.run("echo", {"n": 1}) as reply:
        assert reply.result["args"] == {"n": 1}
    assert _open_descriptors(hostile) - before == set()


@pytest.mark.parametrize(
    ("job", "args", "error"),
    [
        ("die", {"how": "exit"}, WorkerCrashedError),
        ("die", {"how": "exit cleanly"}, WorkerCrashedError),
        ("die", {"how": "segfault"}, WorkerCrashedError),
        ("die", {"how": "abort"}, WorkerCrashedError),
        ("die", {"how": "real-time signal"}, WorkerCrashedError),
        ("die", {"how": "out of time"}, WorkerTimeoutError),
        ("die", {"how": "killed"}, WorkerMemoryError),
        ("die", {"how": "hang up"}, WorkerProtocolError),
        ("allocate", {}, WorkerMemoryError),
        ("flood", {}, WorkerProtocolError),
        ("deep", {}, WorkerProtocolError),
        *(
            ("descriptors", {"kind": kind}, WorkerProtocolError)
            for kind in (
                "pipe",
                "socket",
                "device",
                "unsealable",
                "sealed against sealing",
                "mapped for writing",
                "too many",
                "one bad among good",
            )
        ),
    ],
)
def test_a_lost_worker_is_one_typed_error(
    hostile: Sandbox, job: str, args: dict[str, str], error: type[WorkerError]
) -> None:
    with pytest.raises(error):
        hostile.run(job, args)


@pytest.mark.parametrize("job", ["spin", "die"])
def test_a_worker_that_hangs_is_ended(hostile: Sandbox, job: str) -> None:
    with pytest.raises(WorkerTimeoutError):
        hostile.run(job, {"how": "stop"}, timeout=0.2)


def _frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    "said",
    [
        struct.pack(">I", MAX_REPLY_BYTES + 1),
        struct.pack(">I", 0xFFFFFFFF),
        _frame(b""),
        _frame(b"[]"),
        _frame(b"null"),
        _frame(b"{"),
        _frame(b"\xff"),
        _frame(b"{}"),
        _frame(b'{"result":[]}'),
        _frame(b'{"result":{},"error":{}}'),
        _frame(b'{"result":{"a":NaN}}'),
        _frame(b'{"result":{"a":"\\ud800"}}'),
        _frame(b'{"result":{"a":' + b"9" * 5000 + b"}}"),
        _frame(b'{"error":{}}'),
        _frame(b'{"error":{"code":"no-such-code","detail":{}}}'),
        _frame(b'{"error":{"code":"media-too-large","detail":{}}}'),
        _frame(b'{"error":{"code":"media-too-large","detail":{"field":1,"limit":1,"actual":1}}}'),
        _frame(b'{"error":{"code":"media-too-large","detail":{"field":"x","limit":true,"actual":1}}}'),
        _frame(b'{"error":{"code":"media-empty","detail":{"args":"x"}}}'),
        _frame(b'{"error":{"code":"media-unsupported","detail":{"kind":"' + b"x" * 1001 + b'"}}}'),
        _frame(b'{"ask":"AA=="}'),
        _frame(b'{"ready":{"in_force":[],"missing":[]}}'),
        _frame(b'{"result":{}}') + b"x",
        _frame(b'{"result":{}}') * 2,
    ],
)
def test_lies_are_refused(hostile: Sandbox, said: bytes) -> None:
    with pytest.raises(WorkerProtocolError):
        hostile.run("say", {"bytes": base64.b64encode(said).decode()})


@pytest.mark.parametrize("question", [1, None, "not base64!", "A", base64.b64encode(bytes(MAX_ASK_BYTES + 1)).decode()])
def test_questions_that_are_none_reach_nobody(hostile: Sandbox, question: object) -> None:
    said = base64.b64encode(_frame(json.dumps({"ask": question}).encode())).decode()
    with pytest.raises(WorkerProtocolError):
        hostile.run("say", {"bytes": said}, answer=lambda _: pytest.fail("it was asked"))


def test_a_second_question_is_refused(hostile: Sandbox) -> None:
    asked: list[bytes] = []
    with pytest.raises(WorkerProtocolError):
        hostile.run("ask_twice", {}, answer=lambda question: asked.append(question) or b"yes")  # type: ignore[func-returns-value] # append answers None
    assert asked == [b"one"]


def test_one_question_is_answered(hostile: Sandbox) -> None:
    question = base64.b64encode(bytes(MAX_ASK_BYTES)).decode()
    reply = hostile.run("ask_once", {"question": question}, answer=lambda asked: f"{len(asked)}".encode())
    assert reply.result["answer"] == str(MAX_ASK_BYTES)


def test_what_the_answer_raises_rises_and_the_worker_lives(hostile: Sandbox) -> None:
    class SealedError(Exception):
        pass

    def refuse(_: bytes) -> bytes:
        raise SealedError

    before = hostile.run("surroundings", {}).result["pid"]
    with pytest.raises(SealedError):
        hostile.run("ask_once", {"question": ""}, answer=refuse)
    assert hostile.run("surroundings", {}).result["pid"] == before


def test_the_time_of_the_answer_is_not_the_workers(hostile: Sandbox) -> None:
    def slow(_: bytes) -> bytes:
        time.sleep(0.6)
        return b"late"

    reply = hostile.run("ask_once", {"question": ""}, answer=slow, timeout=0.5)
    assert reply.result["answer"] == "late"


def test_a_typed_error_arrives_as_its_class(hostile: Sandbox) -> None:
    before = hostile.run("surroundings", {}).result["pid"]
    with pytest.raises(MediaTooLargeError, match="has 2 pixels, at most 1") as caught:
        hostile.run("fail", {"how": "typed"})
    assert (caught.value.field, caught.value.limit, caught.value.actual) == ("pixels", 1, 2)
    with pytest.raises(MediaTooLargeError) as caught:
        hostile.run("fail", {"how": "wordy"})
    assert len(caught.value.field) == 1000
    assert hostile.run("surroundings", {}).result["pid"] == before


@pytest.mark.parametrize(
    ("job", "args", "kind"),
    [
        ("fail", {"how": "untyped"}, "RuntimeError"),
        ("no such job", {}, "KeyError"),
        ("endless_file", {}, "OSError"),
        ("sparse_file", {}, "OSError"),
        ("unspeakable", {"how": "object"}, "TypeError"),
        ("unspeakable", {"how": "large"}, "FrameTooLargeError"),
    ],
)
def test_any_other_error_says_kind_and_place_only(hostile: Sandbox, job: str, args: dict[str, str], kind: str) -> None:
    with pytest.raises(JobFailedError) as caught:
        hostile.run(job, args)
    assert caught.value.kind == kind
    assert "words of the file" not in str(caught.value)


def test_a_pool_says_how_large_a_file_its_workers_make() -> None:
    with Sandbox("tests.detection.hostile_jobs", size=1, output_bytes=1000) as sandbox:
        assert sandbox.run("sparse_file", {"size": 1000}).result == {}
        with pytest.raises(JobFailedError) as caught:
            sandbox.run("sparse_file", {"size": 1001})
    assert caught.value.kind == "OSError"


def test_an_output_can_no_longer_be_changed(hostile: Sandbox) -> None:
    with hostile.run("keep_output", {"text": "signed"}) as reply:
        (memfd,) = reply.fds
        with pytest.raises(JobFailedError):
            hostile.run("change_kept", {})
        assert memfd.sealed
        assert memfd.read(100) == b"signed"


def test_an_input_cannot_be_changed(hostile: Sandbox) -> None:
    with Memfd.of([b"original"]) as upload:
        with pytest.raises(JobFailedError):
            hostile.run("overwrite", {}, (upload,))
        assert upload.read(100) == b"original"


def test_inputs_arrive_at_their_beginning_every_time(hostile: Sandbox) -> None:
    with Memfd.of([b"x" * 10_000]) as upload:
        digests = {hostile.run("drain", {}, (upload,)).result["digest"] for _ in range(3)}
    assert len(digests) == 1
