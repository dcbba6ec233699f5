"""A home folder on a disk of a few megabytes of its own: a tmpfs in a user and mount namespace, so that "no space left"
is the kernel's word at whichever write it strikes, in SQLite's as in ours.

Who stands outside sees the same folder through /proc of a process inside.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = 4096
"""What a tmpfs gives at once."""

MEGABYTES = 8
_INSIDE = f'mount -t tmpfs -o size={MEGABYTES}m,mode=700 tmpfs "$0" && exec "$@"'


@cache
def possible() -> bool:
    """Whether this machine lets us."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False).returncode == 0


@dataclass(frozen=True)
class SmallDisk:
    """A folder that can be filled to the last page."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def leave(self, pages: int) -> None:
        """Fill it, but for so many pages. Who writes meanwhile takes of what there was: then once more."""
        while not self._filled(pages):
            pass

    def _filled(self, pages: int) -> bool:
        self.clear()
        with self._ballast.open("wb") as file:
            found = os.statvfs(self.folder)
            if (taken := found.f_bavail * found.f_frsize - pages * PAGE) > 0:
                try:
                    os.posix_fallocate(file.fileno(), 0, taken)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return False
        return True

    def clear(self) -> None:
        """Make room."""
        self._ballast.unlink(missing_ok=True)


@dataclass(frozen=True)
class Inside:
    """A process whose home lies on a small disk."""

    process: subprocess.Popen[bytes]
    disk: SmallDisk
    """Seen from here."""

    def copy(self, to: Path) -> Path:
        """What lies on the disk at one moment."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            unwanted = shutil.ignore_patterns("socket", "ballast")
            return Path(shutil.copytree(self.disk.folder, to, ignore=unwanted))
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def inside(folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Inside]:
    """Run the command with a small disk at `folder`; what is on it ends with the command."""
    folder.mkdir(mode=0o700)
    process = subprocess.Popen(["unshare", "-rm", "sh", "-c", _INSIDE, str(folder), *command], env=dict(environment))
    try:
        yield Inside(process, SmallDisk(Path(f"/proc/{process.pid}/root{folder}")))
    finally:
        process.terminate()
        process.wait()
