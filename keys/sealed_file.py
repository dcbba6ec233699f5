"""One secret file at rest: sealed under a passphrase, or under a key file that lies beside it.

Rules
- The file is one readable line of JSON that says how the key is found, then one sealed record bound to
  that line. Nothing else on disk is secret but the key file.
- What the file forgot is not in the folder any more, and others may not read it (`keys.secret_file`).
- Who changes the file holds `exclusive` from reading to writing, across processes.

The scrypt parameters (RFC 7914) are those OWASP names first for passwords: 128 MiB, about half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from keys.clock import Entropy
from keys.errors import KeyStoreUnavailableError, SealBrokenError, WrongPassphraseError
from keys.sealing import KEY_BYTES, seal, unseal
from keys.secret_file import locked, read_secret, replace_secret

SCRYPT_N: Final = 2**17
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
SALT_BYTES: Final = 16
FOLDER_MODE: Final = 0o700
SEALED_NAME: Final = "keys.sealed"
KEY_FILE_NAME: Final = "keys.key"
LOCK_NAME: Final = "keys.lock"


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["sigillo-keys/1"] = "sigillo-keys/1"


class _KeyFile(_Header):
    kdf: Literal["key-file"] = "key-file"


class _Passphrase(_Header):
    kdf: Literal["scrypt"] = "scrypt"
    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    n: int = Field(default=SCRYPT_N, ge=2**14, le=2**20)
    r: int = Field(default=SCRYPT_R, ge=1, le=32)
    p: int = Field(default=SCRYPT_P, ge=1, le=16)


_HEADER: Final = TypeAdapter[_KeyFile | _Passphrase](Annotated[_KeyFile | _Passphrase, Field(discriminator="kdf")])


class SealedFile:
    """The file's place, the key that opens it (in memory), and the line it begins with."""

    def __init__(self, folder: Path, passphrase: str | None, entropy: Entropy, first: Callable[[], bytes]) -> None:
        """Find the key; on the first run choose it and write the secret that `first` makes.

        Raises LooseFileModeError, WrongPassphraseError, KeyStoreUnavailableError, OSError; whether the key fits, `read`
        tells.
        """
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self.path, self._entropy = folder / SEALED_NAME, entropy
        with self.exclusive():
            stored = self._stored_header()
            header = stored or _new_header(passphrase, entropy)
            self._header = header.model_dump_json().encode()
            self._key = _find_key(header, folder / KEY_FILE_NAME, passphrase, entropy, new=stored is None)
            if stored is None:
                self.write(first())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the file against every other thread and process, from reading to writing."""
        with locked(self.path.with_name(LOCK_NAME)):
            yield

    def read(self) -> bytes:
        """The secret. Raises LooseFileModeError, WrongPassphraseError."""
        line, _, sealed = read_secret(self.path).partition(b"\n")
        try:
            return unseal(self._key, sealed, line)
        except SealBrokenError as error:
            raise WrongPassphraseError(
                f"{self.path} does not open: the passphrase or key file is another one, or the file was "
                "altered; give the passphrase it was made with, or restore the folder from a backup"
            ) from error

    def write(self, secret: bytes) -> None:
        """Replace the secret, durably. The caller holds `exclusive`. Raises KeyStoreUnavailableError."""
        sealed = seal(self._key, secret, self._header, self._entropy)
        try:
            replace_secret(self.path, self._header + b"\n" + sealed)
        except OSError as error:
            raise KeyStoreUnavailableError(f"{self.path} cannot be written: {error.strerror}") from error

    def _stored_header(self) -> _KeyFile | _Passphrase | None:
        if not self.path.exists():
            return None
        line = read_secret(self.path).partition(b"\n")[0]
        try:
            return _HEADER.validate_json(line)
        except ValidationError as error:
            raise WrongPassphraseError(
                f"{self.path} does not begin as a key store does: restore it from a backup"
            ) from error


def _new_header(passphrase: str | None, entropy: Entropy) -> _KeyFile | _Passphrase:
    return _KeyFile() if passphrase is None else _Passphrase(salt=entropy(SALT_BYTES).hex())


def _find_key(
    header: _KeyFile | _Passphrase, key_file: Path, passphrase: str | None, entropy: Entropy, *, new: bool
) -> bytes:
    match header:
        case _KeyFile():
            if passphrase is not None:
                raise WrongPassphraseError(f"this key store opens with {key_file}: give no passphrase")
            return _key_from_file(key_file, entropy, new=new)
        case _Passphrase(salt=salt, n=n, r=r, p=p):
            if passphrase is None:
                raise WrongPassphraseError(
                    "this key store opens with a passphrase: set SIGILLO_PASSPHRASE to the one it was made with"
                )
            kdf = Scrypt(salt=bytes.fromhex(salt), length=KEY_BYTES, n=n, r=r, p=p)
            return kdf.derive(passphrase.encode())


def _key_from_file(path: Path, entropy: Entropy, *, new: bool) -> bytes:
    # A key file without a store is a first run that was cut off: it protects nothing yet, so it is used.
    if new and not path.exists():
        replace_secret(path, entropy(KEY_BYTES))
    if not path.exists():
        raise WrongPassphraseError(f"{path} is missing and nothing else opens this key store: restore it")
    key = read_secret(path)
    if len(key) != KEY_BYTES:
        raise WrongPassphraseError(f"{path} is not a key file of {KEY_BYTES} bytes: restore it")
    return key
