"""A file that holds a secret: how it is read, replaced and held.

Rules
- Secret files are 0600. One that others may read is refused, not repaired: it may have been read already.
- A write replaces the file whole: temporary file, fsync, rename, fsync of the folder. A crash leaves the old or the
  new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keys.errors import LooseFileModeError

FILE_MODE: Final = 0o600


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold the lock against every other thread and process while the block runs."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_secret(path: Path) -> bytes:
    """Raises LooseFileModeError, OSError."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise LooseFileModeError(f"{path} is open to other users: run `chmod 600 {path}`")
        return file.read()


def replace_secret(path: Path, content: bytes) -> None:
    """Durable when it returns. Raises OSError."""
    temporary = path.with_name(path.name + ".part")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
