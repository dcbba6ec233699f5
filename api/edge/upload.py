"""A multipart body, streamed: the file, and a manifest kept beside it, or else some photos, go into memfds, never to
disk; the other parts stay small.

Starlette's own form parser spools files above 1 MiB to a temporary file in plaintext, so the body is parsed
here with python-multipart's callbacks. The memfd is sealed against writing before anyone parses it. How large the
whole body may be, and how long it may take, is `api.edge.body`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self
from weakref import WeakValueDictionary

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from api.edge.body import BodyTooLargeError, allow
from detection.memfd import Memfd
from provenance.manifest import MAX_MANIFEST_STORE_BYTES

MAX_FIELD_BYTES = 256 * 1024
"""Largest part that is not the file: a claim with a hundred actions fits many times over."""

MAX_PARTS = 8
FORM_BYTES = MAX_PARTS * MAX_FIELD_BYTES
"""What a body may have beside its file, and beside a manifest."""

SIDECAR = "manifest"
"""The part with a manifest store that is kept beside the file."""

PHOTO = "photo"
"""The parts, as many as a route takes, with photos that are looked at and not kept."""

PORTRAIT = "portrait"
"""The part, where a route takes one, with the portrait of an identity document, which is compared and not kept."""

BUDGET_BYTES = 512 * 1024 * 1024
"""What the uploads of one kind of caller, with a key or without, may hold in memory together."""


class UploadError(Exception):
    """The body is not the multipart form it should be; `str` says what to send."""


class UploadTooLargeError(UploadError):
    """The file is larger than this deployment takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file is larger than {limit} bytes, the most this service takes")
        self.limit = limit


class UploadsBusyError(Exception):
    """The uploads under way already hold as much memory as they may."""

    def __init__(self) -> None:
        super().__init__("too many uploads are under way; send it again in a moment")


@dataclass
class Budget:
    """Memory that uploads may hold together. Used on the event loop alone, so it needs no lock."""

    limit: int
    within: Budget | None = None
    """What is taken here is taken there too."""

    held: int = 0

    def take(self, size: int) -> None:
        """Raises UploadsBusyError."""
        if self.held + size > self.limit:
            raise UploadsBusyError
        if self.within:
            self.within.take(size)
        self.held += size

    def give(self, size: int) -> None:
        """What was taken is free again."""
        self.held -= size
        if self.within:
            self.within.give(size)


@dataclass
class SharedBudget(Budget):
    """A budget of which each holder, a principal or a network, may take a part."""

    each: int = field(kw_only=True)
    _parts: WeakValueDictionary[str, Budget] = field(default_factory=WeakValueDictionary, init=False)

    def of(self, holder: str) -> Budget:
        """The holder's part, the same one for all of its uploads that overlap."""
        return self._parts.setdefault(holder, Budget(self.each, self))


@dataclass
class Upload:
    """One file and the fields beside it. Close it, or use it as a context manager."""

    content: Memfd
    budget: Budget
    held: int = 0
    size: int = 0
    declared_mime: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    sidecar: Memfd | None = None
    """The part `manifest`."""

    files: list[Memfd] = field(default_factory=list)
    """Where a route takes several: photos, or files of a batch."""

    portrait: Memfd | None = None

    def write(self, data: bytes) -> None:
        """Append to the file. Raises UploadsBusyError."""
        self.hold(len(data))
        self.size += len(data)
        self.content.write(data)

    def write_sidecar(self, data: bytes) -> None:
        """Append to the manifest store beside the file. Raises UploadsBusyError."""
        self.hold(len(data))
        self.sidecar = self.sidecar or Memfd.create()
        self.sidecar.write(data)

    def write_to(self, file: Memfd, data: bytes) -> None:
        """Append to one of the files, or the portrait. Raises UploadsBusyError."""
        self.hold(len(data))
        file.write(data)

    def seal(self) -> None:
        """Nothing can be written any more."""
        for memfd in (self.content, self.sidecar, self.portrait, *self.files):
            if memfd:
                memfd.seal()

    def hold(self, size: int) -> None:
        """Count memory as held by this upload. Raises UploadsBusyError."""
        self.budget.take(size)
        self.held += size

    def close(self) -> None:
        """Let go of the memory."""
        for memfd in (self.content, self.sidecar, self.portrait, *self.files):
            if memfd:
                memfd.close()
        self.budget.give(self.held)
        self.held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Form:
    """What python-multipart calls back: collects one part at a time."""

    most = MAX_PARTS
    """Parts that there may be."""

    def __init__(self, upload: Upload, limit: int, photos: int = 0, *, portrait: bool = False) -> None:
        """`photos`: how many of these there may be, of at most `limit` bytes each, and then no file; and whether a
        portrait may come with them.
        """
        self.upload, self.limit, self._photos, self._portrait = upload, limit, photos, portrait
        self._opened: Memfd | None = None
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = self._unchosen = False
        self._small = b""
        self._names: list[str] = []
        self.misnamed = ""
        self.complete = False

    @property
    def has_file(self) -> bool:
        """Whether a part `file` came, or a photo."""
        return self.wanted in self._names

    @property
    def wanted(self) -> str:
        """What the part is called that must come."""
        return PHOTO if self._photos else "file"

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._headers, self._small, self._opened = {}, b"", None
        if len(self._names) == self.most:
            raise UploadError(f"more than {self.most} parts; send `{self.wanted}` and what goes with it")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _disposition(self) -> dict[bytes, bytes]:
        """What the part's Content-Disposition says; its name is noted."""
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        return options

    def _on_headers(self) -> None:
        options = self._disposition()
        self._is_file = self._name == "file" and not self._photos
        self._unchosen = options.get(b"filename") == b""  # so a browser sends a field for files that was left empty
        if b"filename" in options and self._name != self.wanted:
            self.misnamed = self._name  # a field may come from a file, too; it is wrong only if no `file` comes
        if self._name == PHOTO and self._photos:
            self._begin_photo()
        elif self._name in self._names:
            raise UploadError(f"two parts are called `{self._name}`; send each once, and one file a request")
        elif self._name == PORTRAIT and self._portrait:
            self._opened = self.upload.portrait = Memfd.create()
        self._names.append(self._name)
        if self._is_file:
            self.upload.declared_mime = self._headers.get(b"content-type", b"").decode("latin-1").strip()

    def _begin_photo(self) -> None:
        if len(self.upload.files) == self._photos:
            raise UploadError(f"more than {self._photos} photos; send {self._photos} at most")
        self._opened = Memfd.create()
        self.upload.files.append(self._opened)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            if self.upload.size + end - start > self.limit:
                raise UploadTooLargeError(self.limit)
            self.upload.write(data[start:end])
            return
        if self._opened:
            if self._opened.size + end - start > self.limit:
                raise UploadTooLargeError(self.limit)
            self.upload.write_to(self._opened, data[start:end])
            return
        if self._name == SIDECAR:
            self._write_sidecar(data[start:end])
            return
        self._small += data[start:end]
        if len(self._small) > MAX_FIELD_BYTES:
            raise UploadError(
                f"the part `{self._name}` is larger than {MAX_FIELD_BYTES} bytes; only the part `file` may be"
            )

    def _write_sidecar(self, data: bytes) -> None:
        written = self.upload.sidecar.size if self.upload.sidecar else 0
        if written + len(data) > MAX_MANIFEST_STORE_BYTES:
            raise UploadError(f"the part `{SIDECAR}` is larger than {MAX_MANIFEST_STORE_BYTES} bytes")
        self.upload.write_sidecar(data)

    def _on_end(self) -> None:
        self.complete = True

    def _on_part_end(self) -> None:
        if self._name == SIDECAR and not self.upload.sidecar:
            if self._unchosen:
                return
            raise UploadError(f"the part `{SIDECAR}` is empty; send the manifest store, or leave the part out")
        if self._is_file or self._opened or self._name == SIDECAR:
            return
        try:
            self.upload.fields[self._name] = self._small.decode()
        except UnicodeDecodeError:
            raise UploadError(
                f"the part `{self._name}` is not UTF-8; the file goes into a part called `{self.wanted}`"
            ) from None


async def receive(request: Request, limit: int, budget: Budget, *, photos: int = 0, portrait: bool = False) -> Upload:
    """Stream the body of a multipart request into an Upload whose file is at most `limit` bytes; or, where `photos`
    says how many there may be, which has photos of at most so many bytes each, a portrait as well where one may come,
    and no file.

    Raises UploadError, UploadTooLargeError, UploadsBusyError, BodyError; the memfd is closed then.
    """
    upload = Upload(Memfd.create(), budget)
    most = limit * max(photos + portrait, 1) + FORM_BYTES + MAX_MANIFEST_STORE_BYTES
    await fill(request, Form(upload, limit, photos, portrait=portrait), most)
    return upload


async def fill(request: Request, form: Form, most: int) -> None:
    """Stream a multipart body of at most `most` bytes into the form's Upload, which is sealed then. Raises as
    `receive`, and closes it.
    """
    upload = form.upload
    try:
        boundary = _boundary(request, form, most)
        allow(request, most)
        upload.hold(FORM_BYTES)  # so that small uploads count, too: each has its fields and descriptors
        await _parse(request.stream(), boundary, form)
    except BaseException:  # the descriptor must not outlive a cancelled or broken request
        upload.close()
        raise
    upload.seal()


def _boundary(request: Request, form: Form, most: int) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        wanted = f"photos in parts `{PHOTO}`" if form.wanted == PHOTO else "the file in the part `file`"
        raise UploadError(f"send multipart/form-data with {wanted}")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise UploadTooLargeError(form.limit)
    return boundary


async def receive_whole(request: Request, limit: int, budget: Budget) -> Upload:
    """The body itself, of any type and at most `limit` bytes, as the file of an Upload.

    Raises BodyTooLargeError, at once where the size is declared; UploadsBusyError, UploadError, BodyError.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLargeError(limit)
    allow(request, limit)
    upload = Upload(Memfd.create(), budget)
    try:
        async for chunk in request.stream():
            upload.write(chunk)
    except ClientDisconnect as error:
        upload.close()
        raise UploadError("the connection ended before the body did; nothing was kept") from error
    except BaseException:
        upload.close()
        raise
    upload.seal()
    return upload


async def _parse(body: AsyncIterator[bytes], boundary: bytes, form: Form) -> None:
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]  # a TypedDict of callables
        async for chunk in body:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise UploadError(f"the multipart body is malformed: {error}") from error
    except ClientDisconnect as error:
        raise UploadError("the connection ended before the body did; nothing was kept") from error
    if not form.complete:
        raise UploadError("the multipart body ends before its closing boundary; nothing was kept")
    if not form.has_file:
        hint = f": call the part `{form.misnamed}` so" if form.misnamed else ""
        raise UploadError(f"there is no part called `{form.wanted}`{hint}")
