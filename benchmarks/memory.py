"""The most memory that a fresh service takes while it signs one large file.

What counts is the memory that the service and its workers have for themselves (RssAnon and RssFile of each), and by
how much the machine's shared memory grows: uploads and signed files lie there, and nowhere else. So nothing else on
the machine may make or drop memory files meanwhile. It is looked at every LOOK_SECONDS.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.bench import CLAIM, File
from benchmarks.deployment import embedded
from detection.limits import MAX_UPLOAD_BYTES
from sigillo_client import Sigillo

LOOK_SECONDS: Final = 0.02
WORKERS: Final = 3
"""In each of both pools, whatever the machine has: each takes its share at rest."""

BOUND_MEGABYTES: Final = 2_000
"""What a film of 300 MB may take: four times its size (the upload, the signed file, and twice as much in c2pa-rs, which
holds a film twice while it signs it), and the service with its workers at rest. Kept by `make soak`.
"""

OWN: Final = ("RssAnon", "RssFile")
SETTINGS: Final = {"SIGILLO_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES), "SIGILLO_WORKERS": str(WORKERS)}


def peak_megabytes(file: File, folder: Path) -> float:
    """In units of 1024 * 1024 bytes."""
    unsigned = folder / file.name
    folder.mkdir()
    unsigned.write_bytes(file.content())
    with (
        embedded(folder / "home", **SETTINGS) as deployment,
        Sigillo(deployment.url, deployment.token) as camera,
    ):
        with _watched(deployment.process.pid) as seen:
            camera.sign(unsigned, CLAIM.model_dump(mode="json"))
        return max(seen) / 1024


def available() -> int:
    """Bytes of memory that a new process may take without others having to give any up."""
    return _kilobytes(Path("/proc/meminfo"), ("MemAvailable",)) * 1024


@contextmanager
def _watched(service: int) -> Iterator[list[int]]:
    """Kilobytes, again and again while the block runs."""
    before, seen, over = _shared(), list[int](), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen.append(sum(map(_own, _family(service))) + _shared() - before)

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def _family(process: int) -> list[int]:
    """A process and those it has started."""
    found = [process]
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found


def _own(process: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return _kilobytes(Path(f"/proc/{process}/status"), OWN)
    return 0


def _shared() -> int:
    return _kilobytes(Path("/proc/meminfo"), ("Shmem",))


def _kilobytes(table: Path, names: tuple[str, ...]) -> int:
    lines = (line.split() for line in table.read_text().splitlines())
    return sum(int(words[1]) for words in lines if words and words[0].removesuffix(":") in names)
