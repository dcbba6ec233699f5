"""The high-water mark: how far a log was signed, kept where a backup of its database does not reach.

Rules
- Whoever signs a tree raises the mark to it first. A database that was put back to an earlier state then stands below
  its own mark, and signs nothing that would contradict what others have already seen.
- It is read before every signature and replaced only if it is still what was read (check-and-set).
- It guards against restored backups and lost disks, and not against whoever may write it: that takes a witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from keys.errors import KeyStoreDownError, KeyStoreRefusedError
from keys.secret_file import locked, read_secret, replace_secret


@dataclass(frozen=True)
class Mark:
    """The largest tree that was signed: its number of leaves, and its root in hex."""

    size: int
    root: str


_FORM: Final = TypeAdapter(Mark)


class HighWater(Protocol):
    """Where one log's mark is kept."""

    def read(self) -> Mark | None:
        """None before the first. Raises KeyStoreUnavailableError."""

    def replace(self, old: Mark | None, new: Mark) -> None:
        """Durable when it returns. Raises KeyStoreUnavailableError, also when the mark is not `old` any more."""


@dataclass(frozen=True)
class FileHighWater:
    """In a file of its own. Whoever puts back the whole folder puts the mark back with it: nobody notices."""

    path: Path

    def read(self) -> Mark | None:
        """As `HighWater.read`."""
        try:
            return parse_mark(read_secret(self.path), str(self.path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeyStoreDownError(f"{self.path} cannot be read [{error.strerror}]") from error

    def replace(self, old: Mark | None, new: Mark) -> None:
        """As `HighWater.replace`."""
        try:
            with locked(self.path.with_name(f"{self.path.name}.lock")):
                if self.read() != old:
                    raise KeyStoreRefusedError("another process has raised the log's high-water mark meanwhile")
                replace_secret(self.path, _FORM.dump_json(new))
        except OSError as error:
            raise KeyStoreDownError(f"{self.path} cannot be written [{error.strerror}]") from error


def short_name(log: str) -> str:
    """What a log's mark is filed under: its origin may hold what a path may not."""
    return sha256(log.encode()).hexdigest()[:16]


def parse_mark(data: bytes, place: str) -> Mark:
    """The mark that was stored. Raises KeyStoreDownError."""
    try:
        return _FORM.validate_json(data, strict=True)
    except ValidationError as error:
        raise KeyStoreDownError(f"the high-water mark at {place} is damaged: put a copy of it back") from error
