"""The main program of a sandboxed worker, its socket on standard input (started by `detection.process`).

Rules
- It holds no secret: empty environment, no file, no descriptor but its socket and /dev/null.
- Limits before imports, isolation before hostile bytes (see `detection.isolation`).
- Jobs are stateless; every descriptor of a job, in or out, is closed when it ends.
- A `JobError` crosses to the parent as itself; anything else only as its kind and place, because its words
  may quote the file. Running out of memory ends the process: what state it left cannot be known.
"""

from __future__ import annotations

import base64
import gc
import importlib
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from detection import isolation
from detection.errors import JobFailedError
from detection.frames import (
    MAX_ASK_BYTES,
    MAX_REPLY_BYTES,
    MAX_REQUEST_BYTES,
    Channel,
    ChannelClosedError,
    close_all,
    encode,
)
from detection.job_error import JobError, to_message

Ask: TypeAlias = Callable[[bytes], bytes]
"""Puts one question to the parent, at most MAX_ASK_BYTES, and returns its answer. Raises AskRefusedError."""

Job: TypeAlias = Callable[[dict[str, Any], list[int], Ask], tuple[dict[str, Any], list[int]]]
"""(arguments, descriptors, ask) → (result for JSON, memfds to hand over). The worker closes all
descriptors.
"""

EXIT_MEMORY = 3
"""How a worker says that memory ran out: by then it may not be able to say anything else."""

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
"""The pool of workers is the parallelism; libraries read these when they load."""


class AskRefusedError(Exception):
    """The parent has no answer."""


def main() -> None:
    """Serve jobs until the parent closes the socket."""
    isolation.limit()
    channel = Channel(socket.socket(fileno=0))
    welcome, _ = channel.receive(MAX_REQUEST_BYTES)
    if os.getppid() != welcome["parent"]:
        return  # it died before the parent-death signal was set
    isolation.limit_output(welcome["output_bytes"])
    gc.disable()  # what is imported stays: to look for garbage among it takes a seventh of a start, and finds none
    jobs = _load(channel, welcome)
    gc.freeze()
    gc.enable()
    channel.send(encode({"ready": asdict(isolation.restrict())}, MAX_REPLY_BYTES))
    while True:
        try:
            request, descriptors = channel.receive(MAX_REQUEST_BYTES)
        except ChannelClosedError:
            return
        frame, outputs = _perform(jobs, request, descriptors, channel)
        channel.send(frame, outputs)
        close_all(outputs)


def _load(channel: Channel, welcome: dict[str, Any]) -> Mapping[str, Job]:
    os.environ.update(ONE_THREAD)
    sys.path[:] = welcome["path"]
    try:
        jobs: Mapping[str, Job] = importlib.import_module(welcome["jobs"]).JOBS
    except Exception as error:  # a process boundary: whatever stopped the import is the reason to report
        reason = "".join(traceback.format_exception_only(error)).strip()
        channel.send(encode({"failed": reason}, MAX_REPLY_BYTES))
        raise
    return jobs


def _perform(
    jobs: Mapping[str, Job], request: dict[str, Any], descriptors: list[int], channel: Channel
) -> tuple[bytes, list[int]]:
    outputs: list[int] = []
    try:
        result, outputs = jobs[request["job"]](request["args"], descriptors, _ask(channel))
        return encode({"result": result}, MAX_REPLY_BYTES), outputs
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except JobError as error:
        failure: JobError = error
    except Exception as error:  # noqa: BLE001 (a process boundary: it crosses as JobFailedError)
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        failure = JobFailedError(kind=type(error).__name__, where=where)
    finally:
        close_all(descriptors)
    close_all(outputs)
    return encode({"error": to_message(failure)}, MAX_REPLY_BYTES), []


def _ask(channel: Channel) -> Ask:
    def ask(question: bytes) -> bytes:
        channel.send(encode({"ask": base64.b64encode(question).decode()}, 2 * MAX_ASK_BYTES))
        reply, _ = channel.receive(MAX_REQUEST_BYTES)
        if "refused" in reply:
            raise AskRefusedError
        return base64.b64decode(reply["answer"])

    return ask
