"""The home folder: one writer at a time, and where to find the one that holds it.

Rules
- The folder is its owner's alone (mode 0700); a looser one is refused.
- Whoever writes holds `lock` (flock) as long as it lives; the kernel lets go when the process dies.
- The holder serves a Unix socket and leaves `server.json` (mode 0600: socket path, operator token), so a
  command that finds the folder held talks to the holder instead of opening the database beside it.
- The operator token lives in memory and in that file, and is made anew at every start: who can read the
  owner's files is the operator.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
SOCKET_PATH_BYTES = 100
"""`sun_path` holds 108 bytes on Linux; a longer home folder has its socket elsewhere."""


class HomeHeldError(Exception):
    """Another process holds this home folder."""


class StartError(Exception):
    """The server did not come up."""


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Be the only process that holds `what` while the block runs. Raises HomeHeldError."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeHeldError(f"another process holds {what}") from None
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Holder:
    """How to reach the process that holds a home folder."""

    socket: Path
    token: str = field(repr=False)


@dataclass(frozen=True)
class Home:
    """Paths of a home folder; `holding` makes it."""

    folder: Path

    @property
    def keys(self) -> Path:
        """The embedded key store."""
        return self.folder / "keys"

    @property
    def secret_id(self) -> Path:
        """What logs us in to Vault, once it was unwrapped."""
        return self.folder / "vault-secret-id"

    @property
    def blobs(self) -> Path:
        """Sealed media."""
        return self.folder / "blobs"

    @property
    def begun(self) -> Path:
        """The mark of a folder that something was begun in (`api.running.ground`)."""
        return self.folder / "begun.json"

    @property
    def anchors(self) -> Path:
        """The public roots of the key store, once known."""
        return self.folder / "anchors.pem"

    @property
    def revocations(self) -> Path:
        """The last good revocation lists."""
        return self.folder / "revocations"

    @property
    def outbox(self) -> Path:
        """One-time codes that nobody sends, in development."""
        return self.folder / "outbox"

    @property
    def logs(self) -> Path:
        """Request logs, a week of them."""
        return self.folder / "logs"

    @contextmanager
    def holding(self) -> Iterator[Holder]:
        """Hold the folder and announce a socket.

        Raises HomeHeldError when another process has it, StartError when others may enter it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        except (FileExistsError, NotADirectoryError):
            raise StartError(f"{self.folder} is a file, or lies in one: set SIGILLO_HOME to a folder") from None
        except OSError as error:
            raise StartError(
                f"{self.folder} cannot be made ({error.strerror}): set SIGILLO_HOME to a folder of your own"
            ) from error
        self._require_private()
        with alone(self.folder / "lock", str(self.folder)), self._socket_path() as path:
            path.unlink(missing_ok=True)
            try:
                yield Holder(path, secrets.token_urlsafe(32))
            finally:
                (self.folder / "server.json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)

    def _require_private(self) -> None:
        """Whoever can write here could plant files that receive our secrets."""
        found = self.folder.stat()
        if found.st_uid != os.geteuid():
            raise StartError(f"{self.folder} belongs to another user: set SIGILLO_HOME to a folder of your own")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise StartError(f"others may enter {self.folder}: chmod 700 {self.folder}")

    @contextmanager
    def _socket_path(self) -> Iterator[Path]:
        beside = self.folder / "socket"
        if len(os.fsencode(beside)) <= SOCKET_PATH_BYTES:
            yield beside
            return
        with tempfile.TemporaryDirectory(prefix="sigillo-") as elsewhere:
            yield Path(elsewhere) / "socket"

    def visiting(self) -> AbstractContextManager[None]:
        """While the block runs, the one short command that holds the folder stays; waits while it is leaving."""
        return self._flocked("visitors", fcntl.LOCK_SH)

    def leaving(self) -> AbstractContextManager[None]:
        """Wait for the visitors to be done, and let nobody in while the block runs."""
        return self._flocked("visitors", fcntl.LOCK_EX)

    @contextmanager
    def _flocked(self, name: str, how: int) -> Iterator[None]:
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def announce(self, holder: Holder) -> None:
        """Leave word where the socket is; called once it accepts connections."""
        text = json.dumps({"socket": str(holder.socket), "token": holder.token})
        draft = self.folder / "server.json.part"
        draft.touch(FILE_MODE)
        draft.write_text(text)
        draft.replace(self.folder / "server.json")

    def holder(self) -> Holder | None:
        """Who announced itself last, whether or not it still lives; None when nobody did."""
        try:
            word = json.loads((self.folder / "server.json").read_text())
        except FileNotFoundError:
            return None
        return Holder(Path(word["socket"]), word["token"])
