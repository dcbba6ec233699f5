from __future__ import annotations

import threading
from pathlib import Path

import pytest

from identity.did.methods import method_of, resolve
from identity.errors import HolderKeyUnknownError, WalletFullError
from identity.holding import wallet as module
from identity.holding.wallet import Wallet
from identity.jose.jws import SCHEMES
from identity.jose.signature import verify
from keys.errors import LooseFileModeError, WrongPassphraseError
from keys.sealed_file import KEY_FILE_NAME
from tests.identity.parties import party


def test_keys_are_kept_and_sign(tmp_path: Path) -> None:
    made = [Wallet(tmp_path).new_key() for _ in range(2)]
    kept = Wallet(tmp_path)
    assert [key.did for key in kept.all()] == [key.did for key in made]
    again = kept.key_of(made[1].key)
    key = resolve(method_of(made[1].did)).key
    assert again.key == key
    verify(SCHEMES[again.algorithm], again.key, again.sign(b"this"), b"this")
    with pytest.raises(HolderKeyUnknownError):
        kept.key_of(party().key)


def test_no_key_of_many_made_at_once_is_lost(tmp_path: Path) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(Wallet(tmp_path).new_key().did)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.did for key in Wallet(tmp_path).all()) == sorted(made)
    assert len(set(made)) == 8


def test_the_folder_gives_no_key_away(tmp_path: Path) -> None:
    key = Wallet(tmp_path / "w").new_key()
    secret = key.private_key.private_numbers().private_value
    for file in (tmp_path / "w").iterdir():
        assert file.stat().st_mode & 0o077 == 0
        content = file.read_bytes()
        assert f"{secret:064x}".encode() not in content
        assert secret.to_bytes(32) not in content
    assert f"{secret:x}" not in repr(key)
    (tmp_path / "w" / KEY_FILE_NAME).chmod(0o644)
    with pytest.raises(LooseFileModeError):
        Wallet(tmp_path / "w")


def test_a_passphrase_is_needed_where_there_is_one(tmp_path: Path) -> None:
    Wallet(tmp_path, "horse")
    with pytest.raises(WrongPassphraseError):
        Wallet(tmp_path)


def test_a_wallet_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 1)
    Wallet(tmp_path).new_key()
    with pytest.raises(WalletFullError):
        Wallet(tmp_path).new_key()
