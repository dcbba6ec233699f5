"""One worker process, seen from the parent: start it, give it a job, say how it died.

Rules
- It starts from a fresh interpreter with an empty environment, in a session of its own, holding one socket.
- Whatever it sends is hostile: size, shape, descriptors and errors are checked here, and one breach condemns
  it.
- `perform` raises a `WorkerError` exactly when the worker must not be used again; any other exception leaves
  it fit for the next job.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from pydantic import TypeAdapter, ValidationError

from detection.errors import (
    SandboxUnavailableError,
    WorkerCrashedError,
    WorkerError,
    WorkerMemoryError,
    WorkerProtocolError,
    WorkerTimeoutError,
)
from detection.frames import (
    MAX_ASK_BYTES,
    MAX_REPLY_BYTES,
    MAX_REQUEST_BYTES,
    Channel,
    ChannelClosedError,
    FrameError,
    close_all,
    encode,
)
from detection.isolation import IsolationReport
from detection.job_error import JobError, from_message
from detection.memfd import Memfd
from detection.worker import EXIT_MEMORY

START_SECONDS = 30.0
"""From the start of a process until its job module is loaded and it is isolated."""

EXIT_SECONDS = 0.5
"""How long a worker that closed its socket may take to end, before it is killed."""

PASSED_ENVIRONMENT = ("OPENBLAS_CORETYPE",)
"""No secret, and needed: on virtual CPUs that misreport themselves, OpenBLAS must be told which code to
run.
"""

ENTRY = "from detection.worker import main; main()"
"""Not `-m`: the module would exist twice, as itself and as `__main__`, and so would its error class."""

Answer: TypeAlias = Callable[[bytes], bytes]
"""The parent's answer to a question of a job's. What it raises, `run` raises."""

Answers: TypeAlias = Answer | tuple[Answer, ...] | None
"""To the one question that a job may ask, or to one after the other, and to no more."""

_REPORT = TypeAdapter(IsolationReport)


@dataclass(frozen=True)
class Reply:
    """What a job gave back: a JSON object, and sealed memory files that the caller closes."""

    result: dict[str, Any]
    fds: tuple[Memfd, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for memfd in self.fds:
            memfd.close()


class WorkerProcess:
    """One worker. Used by one thread at a time; `bury` may be called by another."""

    def __init__(self, jobs: str, path: Sequence[str], output_bytes: int) -> None:
        """Start it; it can make files of `output_bytes`.

        Call from a thread that outlives it: the kernel kills a worker when that thread ends.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _start(theirs)
        self._channel = Channel(ours)
        self._output_bytes = output_bytes
        self._welcome = {"parent": os.getpid(), "path": list(path), "jobs": jobs, "output_bytes": output_bytes}
        self._killed = False
        self.jobs_done = 0
        self.busy_seconds = 0.0

    def ready(self) -> IsolationReport:
        """Wait until it can take jobs. Raises SandboxUnavailableError with the reason."""
        deadline = time.monotonic() + START_SECONDS
        try:
            self._channel.send(encode(self._welcome, MAX_REQUEST_BYTES), deadline=deadline)
            message, descriptors = self._channel.receive(MAX_REPLY_BYTES, deadline)
            close_all(descriptors)
            if "failed" in message:
                raise SandboxUnavailableError(f"a worker cannot load its jobs: {message['failed']}")
            return _REPORT.validate_python(message.get("ready"))
        except ChannelClosedError as error:
            advice = f"see why with: {sys.executable} -I -c 'import detection.worker'"
            raise SandboxUnavailableError(f"before it was ready, {self._death()}; {advice}") from error
        except (FrameError, TimeoutError, ValidationError) as error:
            raise SandboxUnavailableError(f"a worker did not become ready: {error!r}") from error

    def perform(self, request: bytes, fds: Sequence[Memfd], answer: Answers, seconds: float) -> Reply:
        """Run one job. Raises WorkerError, the job's own JobError, or what `answer` raised."""
        started = time.monotonic()
        inputs: list[int] = []
        try:
            for memfd in fds:
                inputs.append(memfd.reopened())  # noqa: PERF401 (so that a failure closes the earlier ones)
            return self._converse(request, inputs, answer, started + seconds)
        except TimeoutError as error:
            raise WorkerTimeoutError(f"the job took longer than {seconds:g} s") from error
        except ChannelClosedError as error:
            raise self._death() from error
        except FrameError as error:
            raise WorkerProtocolError(str(error)) from error
        finally:
            close_all(inputs)
            self.jobs_done += 1
            self.busy_seconds += time.monotonic() - started

    def kill(self) -> None:
        """End it now, without waiting until it is gone."""
        self._killed = True
        self._process.kill()

    def bury(self) -> None:
        """Kill it, wait until it is gone, close the socket."""
        self.kill()
        self._process.wait()
        self._channel.close()

    def _converse(self, request: bytes, inputs: list[int], answer: Answers, deadline: float) -> Reply:
        self._channel.send(request, inputs, deadline)
        message, descriptors = self._channel.receive(MAX_REPLY_BYTES, deadline)
        for each in answer if isinstance(answer, tuple) else (answer,) if answer else ():
            if "ask" not in message:
                break
            close_all(descriptors)
            asked = time.monotonic()
            response, refusal = _answered(each, _question(message))
            deadline += time.monotonic() - asked  # the caller's own time is not the worker's
            self._channel.send(encode(response, MAX_REQUEST_BYTES), deadline=deadline)
            message, descriptors = self._channel.receive(MAX_REPLY_BYTES, deadline)
            if refusal is not None:
                close_all(descriptors)
                raise refusal
        if "ask" in message:
            close_all(descriptors)
            raise WorkerProtocolError("this job has nothing to ask, or nothing more")
        return self._reply(message, descriptors)

    def _reply(self, message: dict[str, Any], descriptors: list[int]) -> Reply:
        match message:
            case {"result": dict(result), **rest} if not rest:
                return Reply(result, _adopt(descriptors, self._output_bytes))
            case {"error": error, **rest} if not rest and not descriptors:
                raise _job_error(error)
            case _:
                close_all(descriptors)
                raise WorkerProtocolError("neither a result nor an error")

    def _death(self) -> WorkerError:
        """How it ended, once its socket is closed."""
        try:
            status = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return WorkerProtocolError("the worker closed its socket and lived on")
        if self._killed:
            return WorkerCrashedError("the sandbox was closed while the job ran")
        # Nobody here has killed it, so SIGKILL is the kernel's own: memory ran out.
        if status in {EXIT_MEMORY, -signal.SIGKILL}:
            return WorkerMemoryError("the job needs more memory than a worker may have")
        if status == -signal.SIGXCPU:
            return WorkerTimeoutError("the worker used up its processor time")
        how = f"signal {-status} ({signal.strsignal(-status)})" if status < 0 else f"exit status {status}"
        return WorkerCrashedError(f"the worker ended with {how}")


def _start(end: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (our own interpreter and words, no shell)
        # Warnings about hostile files have no reader, and wording them would open source files.
        [sys.executable, "-I", "-W", "ignore", "-c", ENTRY],
        stdin=end.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ},
        start_new_session=True,
    )


def _answered(answer: Answer, question: bytes) -> tuple[dict[str, Any], Exception | None]:
    """The response to send, and what `answer` raised: the worker must finish its job before that can rise."""
    try:
        return {"answer": base64.b64encode(answer(question)).decode()}, None
    except Exception as error:  # noqa: BLE001 (raised again, unchanged, once the worker has finished)
        return {"refused": True}, error


def _question(message: dict[str, Any]) -> bytes:
    match message:
        case {"ask": str(text), **rest} if not rest:
            try:
                question = base64.b64decode(text, validate=True)
            except ValueError as error:
                raise WorkerProtocolError("the question is not base64") from error
        case _:
            raise WorkerProtocolError("not a question")
    if len(question) > MAX_ASK_BYTES:
        raise WorkerProtocolError("the question is too long")
    return question


def _job_error(message: object) -> JobError:
    try:
        return from_message(message)
    except ValueError as error:
        raise WorkerProtocolError(str(error)) from error


def _adopt(descriptors: list[int], limit: int) -> tuple[Memfd, ...]:
    adopted: list[Memfd] = []
    waiting = list(descriptors)
    try:
        while waiting:
            adopted.append(Memfd.adopt(waiting.pop(0), limit))
    except ValueError as error:
        close_all(waiting)
        for memfd in adopted:
            memfd.close()
        raise WorkerProtocolError(str(error)) from error
    return tuple(adopted)
