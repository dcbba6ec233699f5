"""The keyring of one home folder: read again when another process changed it, changed under the file's lock.

Rules
- A change is read, made and written under the file's lock, so two processes lose nothing of each other's.
- What another process changed is seen at the next use: every use looks at the file's stamp, which costs a system call.
- A file that cannot be read now stops what needs it until it can: nothing goes on from memory, since nobody knows what
  was changed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from keys.errors import KeysError, KeyStoreDownError
from keys.keyring import Keyring
from keys.sealed_file import SealedFile

_Stamp: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class _Held:
    stamp: _Stamp
    keyring: Keyring = field(repr=False)


class HeldKeyring:
    """The newest keyring, for any number of threads."""

    def __init__(self, file: SealedFile) -> None:
        """Raises WrongPassphraseError, LooseFileModeError."""
        self._file = file
        self._reading = threading.Lock()
        # Replaced whole, under `_reading` or the file's lock; read by any thread.
        self._held = self._read()

    @property
    def keyring(self) -> Keyring:
        """As the file has it now. Raises KeyStoreDownError."""
        held = self._held
        if self._stamp() == held.stamp:
            return held.keyring
        with self._reading:
            if self._stamp() != self._held.stamp:
                self._held = self._read_again()
            return self._held.keyring

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._file.path.parent

    def change(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        """Make a change; what `change` raises leaves everything as it was. Raises KeyStoreUnavailableError."""
        with self._file.exclusive(), self._reading:
            keyring = change(self._read_again().keyring)
            self._file.write(keyring.encode())
            self._held = _Held(self._stamp(), keyring)
        return keyring

    def _read(self) -> _Held:
        # The stamp first: what changes in between is read once more, and never missed.
        stamp = self._stamp()
        return _Held(stamp, Keyring.model_validate_json(self._file.read()))

    def _read_again(self) -> _Held:
        try:
            return self._read()
        except (KeysError, ValidationError, OSError) as error:
            raise KeyStoreDownError(f"the embedded key store cannot be read any more: {error}") from error

    def _stamp(self) -> _Stamp:
        try:
            found = os.stat(self._file.path)  # noqa: PTH116 -- half the cost of Path.stat, at every signature
        except OSError as error:
            raise KeyStoreDownError(f"{self._file.path} is gone: put it or a backup back [{error.strerror}]") from error
        return found.st_ino, found.st_mtime_ns, found.st_size
