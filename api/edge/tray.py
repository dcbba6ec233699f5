"""Several files of a batch in one request, and what became of them in one answer.

Rules
- Sent is multipart/form-data: parts `file`, each with a header `Idempotency-Key` of its own and, as its filename, what
  a refusal calls it; and one `claim` for all. Together they may be as large as one upload.
- Answered is multipart/mixed, in the order of the files: for each a part `asset` (JSON), then its `content`, and its
  `manifest` where that lies beside; or a part `problem`. Each says its Content-Length, so nobody searches for an end.
- Like every upload, these live in memory files; what is answered stays in memory until it is read, and counts until
  then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.edge.upload import FORM_BYTES, MAX_PARTS, Budget, Form, Upload, UploadError, UploadTooLargeError, fill
from cases.batch import MAX_NAME
from cases.idempotency import MAX_KEY_LENGTH
from detection.memfd import Memfd

MAX_FILES: Final = 64
"""In one request: enough that what a request costs no longer shows, and few enough to be done within seconds."""

FILE_BYTES: Final = FORM_BYTES // 4
"""What a file counts for, however small: it has two descriptors, its own and its signed copy's, of those that this
process may have, and the copy has a manifest.
"""

SENT_BYTES: Final = 64 * 1024
FILE: Final = "file"
MIXED: Final = "multipart/mixed"


@dataclass(frozen=True)
class Sent:
    """One of the files."""

    content: Memfd
    declared_mime: str
    key: str
    """Its Idempotency-Key."""

    name: str
    """What its sender calls it; empty where they do not say."""


class FilesForm(Form):
    """Takes as many parts `file` as there may be, and notes what each says of itself."""

    most = MAX_FILES + 1

    def __init__(self, upload: Upload, limit: int) -> None:
        super().__init__(upload, limit)
        self.sent: list[Sent] = []

    def _on_headers(self) -> None:
        options = self._disposition()
        if self._name != FILE:
            if len(self._names) - len(self.sent) == MAX_PARTS:
                raise UploadError(f"more than {MAX_PARTS} parts beside the files; send `claim`")
            super()._on_headers()
            return
        self.upload.hold(FILE_BYTES)
        self._is_file, self._opened = False, Memfd.create()
        self.upload.files.append(self._opened)
        key, mime = (
            self._headers.get(name, b"").decode("latin-1").strip() for name in (b"idempotency-key", b"content-type")
        )
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        if not key or len(key) > MAX_KEY_LENGTH:
            raise UploadError(
                f"each part `{FILE}` needs a header Idempotency-Key of 1 to {MAX_KEY_LENGTH} characters: by that it is "
                "counted, and known again"
            )
        if any(one.key == key for one in self.sent):
            raise UploadError("two parts have one Idempotency-Key; give each file its own")
        if len(name) > MAX_NAME:
            raise UploadError(f"a filename is longer than {MAX_NAME} characters")
        self.sent.append(Sent(self._opened, mime, key, name))
        self._names.append(self._name)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._opened is None:
            super()._on_data(data, start, end)
            return
        self.upload.size += end - start
        if self.upload.size > self.limit:
            raise UploadTooLargeError(self.limit)
        self.upload.write_to(self._opened, data[start:end])


async def receive_files(request: Request, limit: int, budget: Budget) -> tuple[Upload, list[Sent]]:
    """Stream the body of a request into memory files, of at most `limit` bytes together.

    Raises UploadError, UploadTooLargeError, UploadsBusyError, BodyError; nothing is held then.
    """
    form = FilesForm(Upload(Memfd.create(), budget), limit)
    await fill(request, form, limit + FORM_BYTES)
    try:
        form.upload.hold(form.upload.size)  # the answer is as large, and there until it is read
    except BaseException:
        form.upload.close()
        raise
    return form.upload, form.sent


@dataclass(frozen=True)
class Part:
    """One part of the answer."""

    name: str
    mime: str
    body: bytes | Memfd

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return self.body.size if isinstance(self.body, Memfd) else len(self.body)

    def chunks(self) -> Iterable[bytes]:
        """Its body."""
        return self.body.chunks() if isinstance(self.body, Memfd) else (self.body,)


class MixedAnswer(Response):
    """Parts one after the other. What is `held` is let go of when it was sent, or cannot be."""

    def __init__(self, parts: Iterable[Part], held: ExitStack, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._parts, self._held, self._boundary = tuple(parts), held, token_hex(16)
        size = sum(len(self._head(part)) + part.size + len(b"\r\n") for part in self._parts) + len(self._end)
        self.headers["Content-Length"] = str(size)
        self.headers["Content-Type"] = f"{MIXED}; boundary={self._boundary}"
        self.headers["Cache-Control"] = "private, no-store"

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def _chunks(self) -> Iterator[bytes]:
        """Small pieces together: each that is sent costs the same."""
        waiting = b""
        for part in self._parts:
            waiting += self._head(part)
            for chunk in part.chunks():
                waiting += chunk
                if len(waiting) >= SENT_BYTES:
                    yield waiting
                    waiting = b""
            waiting += b"\r\n"
        yield waiting + self._end

    def _head(self, part: Part) -> bytes:
        described = f'Content-Disposition: attachment; name="{part.name}"\r\nContent-Type: {part.mime}'
        return f"--{self._boundary}\r\n{described}\r\nContent-Length: {part.size}\r\n\r\n".encode()

    @property
    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()
