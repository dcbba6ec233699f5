"""The load: client processes that all send one request for the length of a window, and what they counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.window import Done, Span, Window

CLIENT: Final = Path(__file__).with_name("client.py")


class RefusedError(Exception):
    """The server answered something other than 2xx: such a run measures nothing."""


@dataclass(frozen=True)
class Post:
    """A POST, encoded beforehand; `body` is the name of a file."""

    port: int
    path: str
    headers: Mapping[str, str]
    body: Path


class Clients:
    """Client processes; use them as a context manager."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._stack = ExitStack()
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", str(CLIENT)]
        for _ in range(self._number):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._processes.append(self._stack.enter_context(process))  # leaving it closes its input: it ends
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def post(self, post: Post, window: Window, number: int) -> Done:
        """So many of them send it until the window ends. Raises RefusedError."""
        order = {
            "port": post.port,
            "method": "POST",
            "path": post.path,
            "headers": dict(post.headers),
            "body": str(post.body),
            "begin": window.begin,
            "end": window.end,
        }
        asking = self._processes[:number]
        for process in asking:
            assert process.stdin is not None
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        return Done.within(window, [span for process in asking for span in _answer(process)])


def multipart(port: int, path: str, file: bytes, mime: str, body: Path, *, token: str = "", claim: str = "") -> Post:
    """The POST of a file and, beside it, its claim, if any; the encoded body is written to the file `body`."""
    boundary = "sigillo-benchmark"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="claim"\r\n\r\n{claim}\r\n'] if claim else []
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="upload"\r\n'
        f"Content-Type: {mime}\r\n\r\n"
    )
    body.write_bytes("".join(parts).encode() + file + f"\r\n--{boundary}--\r\n".encode())
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return Post(port, path, headers | ({"Authorization": f"Bearer {token}"} if token else {}), body)


def _answer(process: subprocess.Popen[str]) -> list[Span]:
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline() or '{"refused": "a client died; its message is above"}')
    if answer["refused"]:
        raise RefusedError(answer["refused"])
    return [(began, ended) for began, ended in answer["spans"]]
