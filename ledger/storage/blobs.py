"""Blobs: sealed files under random names, whole or absent.

Rules
- No plaintext reaches the disk: a blob is a stream of 1 MiB segments sealed under a key of its subject and
  its id.
- A name appears only after its bytes are on disk: written as `.part`, synced, renamed, the folder synced.
- Deletion commits first and unlinks after; `sweep`, at start and now and then, sets aside what no row references.
  It does not delete at once: a wrong or restored database must not cost anyone their media.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from keys.clock import Entropy
from keys.errors import SealBrokenError
from keys.sealing import PREFIX_BYTES, SEGMENT_BYTES, TAG_BYTES, derive, seal_stream, unseal_stream
from ledger.errors import BlobDamagedError, BlobNotFoundError, BlobStoreUnavailableError
from ledger.forgetting.subjects import Subject
from ledger.ids import BlobId, new_id

STRAYS_KEPT = timedelta(days=7)
"""Time to notice that the service was started with the wrong database, or an older one."""

_PART = ".part"


@dataclass(frozen=True)
class Blob:
    """A stored blob: plaintext size in bytes, and the plaintext's SHA-256, which is kept nowhere in clear."""

    id: BlobId
    size: int
    sha256: bytes


class BlobStore:
    """A folder of sealed files."""

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        self._folder = folder
        self._entropy = entropy
        with _unavailable(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, subject: Subject, plaintext: Iterable[bytes]) -> Blob:
        """Seal and store; when this returns, the bytes are on disk. Raises BlobStoreUnavailableError.

        What `plaintext` raises passes through, and leaves nothing behind.
        """
        return self.put_all([(subject, plaintext)])[0]

    def put_all(self, files: Iterable[tuple[Subject, Iterable[bytes]]]) -> list[Blob]:
        """The same of several, in their order, all of them or none: names appear once all bytes are on disk."""
        parts: dict[str, int] = {}
        blobs: list[Blob] = []
        with _unavailable(self._folder), _opened_folder(self._folder) as folder:
            try:
                for subject, plaintext in files:
                    blob_id, measured = BlobId(new_id("blb", self._entropy)), _Measured(plaintext)
                    key, segments, part = _key(subject, blob_id), _segments(measured.chunks()), f"{blob_id}{_PART}"
                    parts[part] = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
                    _write(parts[part], seal_stream(key, segments, blob_id.encode(), self._entropy))
                    blobs.append(Blob(blob_id, measured.size, measured.digest.digest()))
                _sync(parts.values())
                for part in parts:
                    os.rename(part, part.removesuffix(_PART), src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:  # whatever ended it, half a tray must not stay
                for part in parts:
                    (self._folder / part).unlink(missing_ok=True)
                raise
            finally:
                for descriptor in parts.values():
                    os.close(descriptor)
            _sync_folder(self._folder)
        return blobs

    def open(self, subject: Subject, blob_id: BlobId, size: int) -> Iterator[bytes]:
        """The plaintext, in chunks of at most 1 MiB, the first of them opened already: whoever streams an answer has
        not begun it when that is damaged.

        Raises BlobNotFoundError, and BlobDamagedError at the first chunk that is not what was stored.
        """
        path = self._folder / blob_id
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise BlobNotFoundError(f"no blob {blob_id}") from error
        except OSError as error:
            raise BlobStoreUnavailableError(f"{path} cannot be read: {error}") from error
        chunks = _opened(file, _key(subject, blob_id), blob_id, size)
        return chain([next(chunks)], chunks)

    def room(self) -> tuple[int, int]:
        """Bytes free where the blobs are, and bytes in all. Raises BlobStoreUnavailableError."""
        with _unavailable(self._folder):
            disk = shutil.disk_usage(self._folder)
        return disk.free, disk.total

    def delete(self, blob_id: BlobId) -> None:
        """Remove the file, after the row is gone. Twice is fine. Raises BlobStoreUnavailableError."""
        with _unavailable(self._folder):
            (self._folder / blob_id).unlink(missing_ok=True)
            _sync_folder(self._folder)

    def sweep(self, referenced: Collection[BlobId], min_age: timedelta = timedelta(0)) -> int:
        """Set aside every file that no row references and that has not changed for `min_age`; how many went.

        What was set aside comes back as soon as a row references it, and is deleted after STRAYS_KEPT.
        """
        with _unavailable(self._folder):
            self._bring_back(referenced)
            files = [path for path in self._folder.iterdir() if path.name not in referenced]
            strays = [path for path in files if not min_age or _age(path) > min_age]
            for path in strays:
                self._set_aside(path)
            _sync_folder(self._folder)
        return len(strays)

    @property
    def _strays(self) -> Path:
        """Beside the folder: what lies in it is what is served."""
        return self._folder.with_name(f"{self._folder.name}-strays")

    def _bring_back(self, referenced: Collection[BlobId]) -> None:
        for path in self._strays.iterdir() if self._strays.exists() else ():
            if path.name in referenced:
                path.rename(self._folder / path.name)
            elif _age(path) > STRAYS_KEPT:
                path.unlink()

    def _set_aside(self, path: Path) -> None:
        if path.suffix == _PART:
            path.unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):  # deleted by its owner since it was listed
            self._strays.mkdir(mode=0o700, exist_ok=True)
            os.utime(path)
            path.rename(self._strays / path.name)


def read_chunks(descriptor: int) -> Iterator[bytes]:
    """A file descriptor's bytes from the beginning, without moving its offset."""
    at = 0
    while chunk := os.pread(descriptor, SEGMENT_BYTES, at):
        at += len(chunk)
        yield chunk


class _Measured:
    """Counts and digests what passes."""

    def __init__(self, plaintext: Iterable[bytes]) -> None:
        self._plaintext = plaintext
        self.size = 0
        self.digest = sha256()

    def chunks(self) -> Iterator[bytes]:
        for chunk in self._plaintext:
            self.size += len(chunk)
            self.digest.update(chunk)
            yield chunk


def _segments(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of exactly SEGMENT_BYTES, the last one shorter; what comes so is not copied."""
    held = b""
    for chunk in chunks:
        held = held + chunk if held else chunk
        while len(held) >= SEGMENT_BYTES:
            yield held[:SEGMENT_BYTES]
            held = held[SEGMENT_BYTES:]
    if held:
        yield held


def _opened(file: BinaryIO, key: bytes, blob_id: BlobId, size: int) -> Iterator[bytes]:
    with file:
        segments = max(1, -(-size // SEGMENT_BYTES))
        if os.fstat(file.fileno()).st_size != PREFIX_BYTES + size + segments * TAG_BYTES:
            raise BlobDamagedError(f"blob {blob_id} is not {size} bytes long")
        sealed = (file.read(length) for length in (PREFIX_BYTES, *[SEGMENT_BYTES + TAG_BYTES] * segments))
        try:
            yield from unseal_stream(key, sealed, blob_id.encode())
        except SealBrokenError as error:
            raise BlobDamagedError(f"blob {blob_id} does not open: {error}") from error


def _age(path: Path) -> timedelta:
    with suppress(FileNotFoundError):
        return timedelta(seconds=time.time() - path.stat().st_mtime)
    return timedelta(0)


def _key(subject: Subject, blob_id: BlobId) -> bytes:
    return derive(subject.key, f"blob/v1/{blob_id}")


def _write(descriptor: int, pieces: Iterator[bytes]) -> None:
    """Two at a time: a prefix of its own would keep the system from writing in large pages what follows it."""
    while some := list(islice(pieces, 2)):
        left = sum(map(len, some)) - os.writev(descriptor, some)
        rest = memoryview(b"".join(some))[-left:] if left else b""
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _sync(descriptors: Collection[int]) -> None:
    """Have them on disk. All begin to be written before the first is waited for: so they are written at once, and what
    the filesystem notes of them with the first is noted of all.
    """
    for descriptor in descriptors:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    for descriptor in descriptors:
        os.fsync(descriptor)


@contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    with _opened_folder(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _unavailable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobStoreUnavailableError(f"{folder} cannot be used: {error}") from error
