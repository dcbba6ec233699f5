"""One thing done to several files: a file that is refused gets a line, a `problem` in its place, and does not spoil
the others.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rich.progress import track

from api.cli.output import Exit, complain, described, err, exit_of, words
from detection.errors import MediaError
from detection.kinds import MAGIC_BYTES, sniff
from provenance.vocabulary import SIDECAR_TYPES
from sigillo_client import ClientError

SIDECAR_SUFFIX = ".c2pa"


def sidecar(file: Path) -> Path | None:
    """Where the manifest of a file belongs that cannot carry one: beside it, under the same name. None for others."""
    try:
        with file.open("rb") as content:
            kind = sniff(content.read(MAGIC_BYTES))
    except (MediaError, OSError):  # whoever reads the whole of it says so
        return None
    return file.with_suffix(SIDECAR_SUFFIX) if kind.mime in SIDECAR_TYPES else None


def beside(file: Path) -> Path | None:
    """The sidecar of a file, if there is one. Raises AmbiguousSidecarError where it may be that of another."""
    found = sidecar(file)
    if found is None or not found.is_file():
        return None
    owners = [
        other.name for other in sorted(file.parent.glob(f"{glob.escape(file.stem)}.*")) if sidecar(other) == found
    ]
    if len(owners) > 1:
        raise AmbiguousSidecarError(f"{found.name} may be that of any of {', '.join(owners)}: name it with --manifest")
    return found


class AmbiguousSidecarError(ClientError):
    """Several files have one name but for its ending, and one manifest lies beside them."""


def each(
    files: Sequence[Path], what: str, do: Callable[[Path], dict[str, Any]], *, as_json: bool
) -> tuple[dict[str, dict[str, Any]], list[Exit]]:
    """What `do` gave for each file by its name, and the exit codes of those that were refused."""
    done: dict[str, dict[str, Any]] = {}
    refused: list[Exit] = []
    quiet = as_json or len(files) == 1 or not err.is_terminal
    for file in track(files, what, console=err, transient=True, disable=quiet):
        try:
            done[str(file)] = do(file)
        except (ClientError, OSError) as error:
            done[str(file)] = {"problem": described(error)}
            refused.append(exit_of(error))
            said = words(error)
            complain(said if said.startswith(f"{file}: ") else f"{file}: {said}")
    return done, refused


class Draft:
    """A file beside its target, whole, of which the disk begins to take what there is. `put` it there, or `drop` it."""

    def __init__(self, target: Path, content: Callable[[BinaryIO], object]) -> None:
        self._target, self._written = target, target.with_name(f".{target.name}.part")
        with self._dropped_on_failure(), self._written.open("wb") as stream:
            content(stream)
            stream.flush()
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def put(self) -> None:
        """Once it is on disk it takes the target's place. Raises OSError, and is gone then."""
        with self._dropped_on_failure():
            with self._written.open("rb", buffering=0) as stream:
                os.fsync(stream.fileno())
            self._written.replace(self._target)

    def drop(self) -> None:
        """Nobody wants it."""
        self._written.unlink(missing_ok=True)

    @contextmanager
    def _dropped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.drop()
            raise


def write(target: Path, content: Callable[[BinaryIO], object]) -> None:
    """The target appears whole or not at all."""
    Draft(target, content).put()
