"""The high-water mark, in a file and in a real OpenBao: read back as written, and replaced by one writer at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from keys.errors import KeyStoreDownError, KeyStoreRefusedError
from keys.high_water import FileHighWater, HighWater, Mark
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.vault import Vault
from keys.vault_high_water import VaultHighWater
from keys.vault_store import VaultKeyStore

FIRST, SECOND, THIRD = (Mark(size, f"{size:064x}") for size in (1, 2, 3))


@pytest.fixture(params=["file", pytest.param("vault", marks=pytest.mark.openbao)])
def high_water(request: pytest.FixtureRequest, tmp_path: Path) -> HighWater:
    if request.param == "file":
        return FileHighWater(tmp_path / "mark.json")
    openbao: OpenBao = request.getfixturevalue("openbao")
    token: str = request.getfixturevalue("service_token")
    log = f"log.example/{tmp_path}"
    return VaultHighWater(Vault(openbao.url, token), log)


def test_it_is_read_back_as_it_was_written(high_water: HighWater) -> None:
    assert high_water.read() is None
    high_water.replace(None, FIRST)
    assert high_water.read() == FIRST
    high_water.replace(FIRST, SECOND)
    assert high_water.read() == SECOND


def test_who_read_another_mark_does_not_replace_it(high_water: HighWater) -> None:
    high_water.replace(None, FIRST)
    for stale in (None, SECOND):
        with pytest.raises(KeyStoreRefusedError, match="meanwhile"):
            high_water.replace(stale, THIRD)
    assert high_water.read() == FIRST


def test_of_many_at_once_one_succeeds(high_water: HighWater) -> None:
    high_water.replace(None, FIRST)
    ready, won = threading.Barrier(8), list[Mark]()

    def raise_to(mark: Mark) -> None:
        ready.wait()
        try:
            high_water.replace(FIRST, mark)
        except KeyStoreRefusedError:
            return
        won.append(mark)

    threads = [threading.Thread(target=raise_to, args=(Mark(n + 2, f"{n:064x}"),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert high_water.read() == won[0]


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"size": "1", "root": ""}', b'{"size": 1}'])
def test_a_damaged_mark_stops_signing(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "mark.json"
    path.write_bytes(damage)
    path.chmod(0o600)
    with pytest.raises(KeyStoreDownError, match="damaged"):
        FileHighWater(path).read()


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreDownError, match="cannot be written"):
        FileHighWater(tmp_path / "gone" / "mark.json").replace(None, FIRST)


def test_each_log_has_its_own(vault_store: VaultKeyStore, tmp_path: Path) -> None:
    for store in (vault_store, LocalKeyStore.open(tmp_path / "keys", embedded_profile=True)):
        first, second = store.high_water(f"{tmp_path}/1"), store.high_water(f"{tmp_path}/2")
        first.replace(None, FIRST)
        assert second.read() is None
        assert store.high_water(f"{tmp_path}/1").read() == FIRST
