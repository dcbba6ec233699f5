from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.clock import system_entropy
from keys.errors import KeyStoreUnavailableError, LooseFileModeError, WrongPassphraseError
from keys.sealed_file import KEY_FILE_NAME, LOCK_NAME, SCRYPT_N, SEALED_NAME, SealedFile

SECRET = b'{"all":"keys"}'


def open_file(folder: Path, passphrase: str | None = None) -> SealedFile:
    return SealedFile(folder, passphrase, system_entropy, lambda: SECRET)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "keys"


@pytest.mark.parametrize("passphrase", [None, "correct horse", ""])
def test_it_opens_with_what_made_it(folder: Path, passphrase: str | None) -> None:
    assert open_file(folder, passphrase).read() == SECRET
    again = open_file(folder, passphrase)
    assert again.read() == SECRET
    again.write(b"changed")
    assert open_file(folder, passphrase).read() == b"changed"


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_write_that_fails_is_unavailability_and_passes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(trouble, os.strerror(trouble))

    file = open_file(folder)
    before = {path.name for path in folder.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fails)
        with pytest.raises(KeyStoreUnavailableError, match=os.strerror(trouble)):
            file.write(b"changed")
    assert {path.name for path in folder.iterdir()} == before
    assert open_file(folder).read() == SECRET
    file.write(b"changed")
    assert open_file(folder).read() == b"changed"


def test_only_a_key_file_makes_a_key_file(folder: Path, tmp_path: Path) -> None:
    open_file(folder)
    open_file(tmp_path / "other", "correct horse")
    assert {path.name for path in folder.iterdir()} == {SEALED_NAME, KEY_FILE_NAME, LOCK_NAME}
    assert {path.name for path in (tmp_path / "other").iterdir()} == {SEALED_NAME, LOCK_NAME}


def test_nothing_on_disk_is_readable_by_others_or_in_the_clear(folder: Path) -> None:
    open_file(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert SECRET not in path.read_bytes()


def test_the_scrypt_parameters_are_in_the_clear(folder: Path) -> None:
    open_file(folder, "correct horse")
    header = json.loads((folder / SEALED_NAME).read_bytes().partition(b"\n")[0])
    assert {name: header[name] for name in ("format", "kdf", "n", "r", "p")} == {
        "format": "sigillo-keys/1",
        "kdf": "scrypt",
        "n": SCRYPT_N,
        "r": 8,
        "p": 1,
    }


def test_a_wrong_passphrase_is_told(folder: Path) -> None:
    open_file(folder, "correct horse")
    with pytest.raises(WrongPassphraseError, match="does not open"):
        open_file(folder, "battery staple").read()
    with pytest.raises(WrongPassphraseError, match="opens with a passphrase"):
        open_file(folder)


def test_a_passphrase_for_a_key_file_is_told(folder: Path) -> None:
    open_file(folder)
    with pytest.raises(WrongPassphraseError, match="give no passphrase"):
        open_file(folder, "correct horse")


def test_a_lost_key_file_is_told_and_never_replaced(folder: Path) -> None:
    open_file(folder)
    (folder / KEY_FILE_NAME).unlink()
    with pytest.raises(WrongPassphraseError, match="restore it"):
        open_file(folder)
    assert not (folder / KEY_FILE_NAME).exists()


def test_a_damaged_key_file_is_told(folder: Path) -> None:
    open_file(folder)
    (folder / KEY_FILE_NAME).write_bytes(b"short")
    with pytest.raises(WrongPassphraseError, match="32 bytes"):
        open_file(folder)


def test_a_first_run_cut_off_after_its_key_file_goes_on(folder: Path) -> None:
    open_file(folder)
    (folder / SEALED_NAME).unlink()
    key = (folder / KEY_FILE_NAME).read_bytes()
    assert open_file(folder).read() == SECRET
    assert (folder / KEY_FILE_NAME).read_bytes() == key


@pytest.mark.parametrize("name", [SEALED_NAME, KEY_FILE_NAME])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_loose_mode_is_refused_with_the_remedy(folder: Path, name: str, mode: int) -> None:
    open_file(folder)
    path = folder / name
    path.chmod(mode)
    with pytest.raises(LooseFileModeError, match=f"chmod 600 {path}"):
        open_file(folder)
    path.chmod(0o600)
    assert open_file(folder).read() == SECRET


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    open_file(folder)
    path = folder / SEALED_NAME
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(WrongPassphraseError):
        open_file(folder).read()


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"junk", b'{"format":"sigillo-keys/2","kdf":"key-file"}\n'])
def test_another_file_in_its_place_is_refused(folder: Path, content: bytes) -> None:
    open_file(folder)
    (folder / SEALED_NAME).write_bytes(content)
    with pytest.raises(WrongPassphraseError):
        open_file(folder)
    assert (folder / SEALED_NAME).read_bytes() == content


def test_weakened_scrypt_parameters_are_refused(folder: Path) -> None:
    open_file(folder, "correct horse")
    path = folder / SEALED_NAME
    for value in (b'"n":2,', b'"n":1099511627776,'):
        path.write_bytes(path.read_bytes().replace(b'"n":131072,', value))
        with pytest.raises(WrongPassphraseError, match="does not begin"):
            open_file(folder, "correct horse")


def test_every_write_has_its_own_nonce(folder: Path) -> None:
    file = open_file(folder)
    first = (folder / SEALED_NAME).read_bytes()
    file.write(SECRET)
    assert (folder / SEALED_NAME).read_bytes() != first


def test_a_leftover_of_a_crash_is_not_in_the_way(folder: Path) -> None:
    file = open_file(folder)
    leftover = folder / f"{SEALED_NAME}.part"
    leftover.write_bytes(b"half")
    leftover.chmod(0o644)
    file.write(b"changed")
    assert not leftover.exists()
    assert (folder / SEALED_NAME).stat().st_mode & 0o777 == 0o600
    assert open_file(folder).read() == b"changed"


def test_exclusive_keeps_others_waiting(folder: Path) -> None:
    mine, theirs = open_file(folder), open_file(folder)
    order: list[str] = []

    def wait() -> None:
        with theirs.exclusive():
            order.append("theirs")

    thread = threading.Thread(target=wait)
    with mine.exclusive():
        thread.start()
        thread.join(0.05)
        order.append("mine")
    thread.join()
    assert order == ["mine", "theirs"]
