"""Files that live in memory only, and cannot change once sealed.

Rules
- Uploads and signed outputs are held here and nowhere else in plain; no path names them.
- Before a worker sees one, and before anything trusts one that a worker made, its size and bytes are frozen
  by seals (fcntl(2), F_ADD_SEALS): a hijacked worker that keeps the descriptor can no longer change it.
- Reading is positioned (pread): a descriptor's offset may be shared with a worker and means nothing here.
"""

from __future__ import annotations

import fcntl
import io
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Self

CHUNK_BYTES = 1024 * 1024
"""One segment of a sealed blob, see `keys.sealing`."""

FROZEN = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class Memfd:
    """One anonymous file in memory. Closing it frees it once no worker holds it either."""

    def __init__(self, descriptor: int) -> None:
        """Own an open memfd; `create`, `of` and `adopt` are the ways to get one."""
        self._file = io.FileIO(descriptor, "r+b")
        self._sealed = False
        self._size: int | None = None
        """Known once it cannot change: to ask lets other threads go first, a dozen times a file."""

    @classmethod
    def create(cls, name: str = "media") -> Self:
        """An empty file; `name` only shows in /proc."""
        return cls(os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))

    @classmethod
    def of(cls, chunks: Iterable[bytes]) -> Self:
        """A sealed file of these bytes."""
        memfd = cls.create()
        for chunk in chunks:
            memfd.write(chunk)
        memfd.seal()
        return memfd

    @classmethod
    def adopt(cls, descriptor: int, limit: int) -> Self:
        """Take over a descriptor that somebody else made, freeze it and check it.

        Raises ValueError when it is no memfd, cannot be frozen, or holds more than `limit` bytes; the
        descriptor is closed then.
        """
        try:
            _freeze_foreign(descriptor, limit)
        except (OSError, ValueError) as error:
            os.close(descriptor)
            raise ValueError(f"not a memory file that can be trusted: {error}") from error
        memfd = cls(descriptor)
        memfd._sealed = True
        return memfd

    def write(self, data: bytes) -> None:
        """Append. Raises OSError once sealed."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def seal(self) -> None:
        """Freeze size and bytes for good."""
        fcntl.fcntl(self._file, fcntl.F_ADD_SEALS, FROZEN)
        self._sealed = True

    @property
    def sealed(self) -> bool:
        """Whether size and bytes are frozen, which nothing undoes."""
        self._sealed = self._sealed or fcntl.fcntl(self._file, fcntl.F_GET_SEALS) & FROZEN == FROZEN
        return self._sealed

    @property
    def size(self) -> int:
        """In bytes."""
        if self._size is not None:
            return self._size
        size = os.fstat(self.fileno()).st_size
        if self._sealed:
            self._size = size
        return size

    def read(self, length: int, offset: int = 0) -> bytes:
        """At most `length` bytes from `offset`."""
        return os.pread(self.fileno(), length, offset)

    def chunks(self, length: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The content in pieces of exactly `length` bytes; the last may be shorter."""
        return (self.read(length, offset) for offset in range(0, self.size, length))

    def reopened(self) -> int:
        """A read-only descriptor with an offset of its own, for one worker; the caller closes it."""
        return os.open(f"/proc/self/fd/{self.fileno()}", os.O_RDONLY | os.O_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor, still owned by this object. Raises ValueError once closed."""
        return self._file.fileno()

    def close(self) -> None:
        """Let go of it; closing twice is harmless."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _freeze_foreign(descriptor: int, limit: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise ValueError("the descriptor is not a file")
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR:
        raise ValueError("the descriptor is not open for reading and writing")
    if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & FROZEN != FROZEN:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, FROZEN)
    # Only now: before, its maker could still have changed the size.
    if os.fstat(descriptor).st_size > limit:
        raise ValueError(f"the file is larger than {limit} bytes")
