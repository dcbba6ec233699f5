"""Files of a batch on their way, several in one request: the form that is sent, and the parts of what is answered."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sigillo_client.problem import UnreachableError
from sigillo_client.upload import CHUNK_BYTES, media_type

KEY: Final = "Idempotency-Key"
_ESCAPED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""As browsers send names (HTML, multipart form data)."""


@dataclass(frozen=True, eq=False)
class BatchFile:
    """One file; no other is it."""

    content: bytes | Path
    key: str
    """Its Idempotency-Key, by which it is known again in its batch."""

    name: str
    """What a refusal calls it; its ending says of which type it is."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes. Raises OSError."""
        if not isinstance(self.content, Path):
            yield self.content
            return
        with self.content.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


class Form:
    """multipart/form-data with a claim and files, read piece by piece."""

    def __init__(self, claim: Mapping[str, Any], files: Iterable[BatchFile]) -> None:
        self._boundary = secrets.token_hex(16)
        stated = self._head("claim", {"Content-Type": "application/json"}) + json.dumps(claim).encode()
        self._parts = [(stated, None), *((self._head_of(file), file) for file in files)]
        self._end = f"\r\n--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """Of the request."""
        size = len(self._end) + sum(len(head) + (file.size if file else 0) for head, file in self._parts)
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(size)}

    def chunks(self) -> Iterator[bytes]:
        """The body."""
        waiting = b""  # small pieces together: each that is sent costs the same
        for head, file in self._parts:
            waiting += head
            for chunk in file.chunks() if file else ():
                yield waiting + chunk
                waiting = b""
        yield waiting + self._end

    def _head_of(self, file: BatchFile) -> bytes:
        described = {"Content-Type": media_type(Path(file.name)), KEY: file.key}
        return self._head(f'file"; filename="{file.name.translate(_ESCAPED)}', described)

    def _head(self, name: str, headers: Mapping[str, str]) -> bytes:
        described = {"Content-Disposition": f'form-data; name="{name}"', **headers}
        lines = "".join(f"{key}: {value}\r\n" for key, value in described.items())
        return f"\r\n--{self._boundary}\r\n{lines}\r\n".encode(errors="surrogateescape")  # a file's name is any bytes


@dataclass(frozen=True)
class AnsweredPart:
    """A part of the answer; its `chunks` are read before the next part is asked for, or passed over."""

    name: str
    chunks: Iterator[bytes]


def parts(body: Iterator[bytes]) -> Iterator[AnsweredPart]:
    """The parts of multipart/mixed, each of which says its Content-Length. Raises UnreachableError for an answer that
    ends before its end, or is none of a server's.
    """
    read = _Read(body)
    while not read.line().endswith(b"--"):
        headers = dict[bytes, bytes]()
        while line := read.line():
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        try:
            named = headers[b"content-disposition"].partition(b'name="')[2].partition(b'"')[0].decode()
            chunks = read.exactly(int(headers[b"content-length"]))
        except (KeyError, ValueError) as error:
            raise UnreachableError("what answers is no Sigillo server: look at what lies between") from error
        yield AnsweredPart(named, chunks)
        for _ in chunks:
            pass
        read.line()
    for _ in body:  # to its end, or the connection would not serve for the next request
        pass


class _Read:
    def __init__(self, body: Iterator[bytes]) -> None:
        self._body, self._rest = body, b""

    def line(self) -> bytes:
        """The next one, without its end."""
        while b"\r\n" not in self._rest:
            self._rest += self._next()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def exactly(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes."""
        while size:
            chunk = self._rest or self._next()
            yield chunk[:size]
            self._rest = chunk[size:]
            size -= min(size, len(chunk))

    def _next(self) -> bytes:
        chunk = next(self._body, None)
        if chunk is None:
            raise UnreachableError("the answer ended before its end: send the files again")
        return chunk
