"""A file on its way: read piece by piece, never whole, and whoever asked is told how far it is."""

from __future__ import annotations

import io
import mimetypes
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Told the bytes that were sent, of so many. A request that is sent again begins at none again."""

Part: TypeAlias = tuple[str, io.FileIO, str]
"""A file in a form, as httpx takes it: name, content, media type."""

CHUNK_BYTES: Final = 1024 * 1024
BINARY: Final = "application/octet-stream"


class Sent(io.FileIO):
    """A file that tells how far it was read."""

    def __init__(self, file: Path, progress: Progress) -> None:
        super().__init__(file, "rb")
        self._size, self._progress = os.fstat(self.fileno()).st_size, progress

    def read(self, size: int | None = -1, /) -> bytes:
        """At most so many bytes, as every file does."""
        data = super().read(-1 if size is None else size)
        if data:
            self._progress(self.tell(), self._size)
        return data


def opened(file: Path, progress: Progress | None) -> io.FileIO:
    """The file to be sent; close it."""
    return Sent(file, progress) if progress else io.FileIO(file, "rb")


def part(file: Path, stream: io.FileIO) -> Part:
    """It under a neutral name: what it is called at home is nobody's business."""
    return "upload", stream, media_type(file)


def photo(file: Path) -> tuple[str, bytes, str]:
    """A small picture, whole."""
    return "photo", file.read_bytes(), media_type(file)


def bundle(file: Path) -> tuple[str, bytes, str]:
    """A custody bundle, whole."""
    return file.name, file.read_bytes(), "application/vnd.sigillo.custody+json"


def stated(texts: Mapping[str, str]) -> dict[str, tuple[None, str, str]]:
    """Parts of a form that are text; what is empty is left out."""
    return {name: (None, text, "text/plain") for name, text in texts.items() if text}


def media_type(file: Path) -> str:
    """By its ending."""
    return mimetypes.guess_type(file.name)[0] or BINARY
