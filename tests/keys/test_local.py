from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys.certificates import LIST_LIFE
from keys.chain import parse
from keys.clock import system_entropy
from keys.errors import InsecureProfileError, KeyStoreUnavailableError, WrongPassphraseError
from keys.keyring import Keyring
from keys.local import WARNING, LocalKeyStore
from keys.revocation import RevocationList
from keys.rotation import rotate
from keys.sealed_file import SealedFile
from keys.signer import KeyRef, Purpose
from tests.keys.conftest import MovingClock


def open_store(folder: Path) -> LocalKeyStore:
    return LocalKeyStore.open(folder, embedded_profile=True)


def stored(folder: Path) -> bytes:
    return SealedFile(folder, None, system_entropy, lambda: b"").read()


def crash_before_the_rename(folder: Path, change: str) -> None:
    """Run a change in a child that is killed (SIGKILL) between writing the new file and renaming it."""
    program = f"""
        import os, pathlib, signal
        from keys.local import LocalKeyStore
        from keys.signer import Algorithm
        store = LocalKeyStore.open(pathlib.Path({str(folder)!r}), embedded_profile=True)
        pathlib.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        store.{change}
    """
    root = Path(__file__).parents[2]
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=root, env={"PYTHONPATH": str(root)}, check=False
    )
    assert child.returncode == -signal.SIGKILL


def test_other_profiles_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InsecureProfileError):
        LocalKeyStore.open(tmp_path / "keys", embedded_profile=False)
    assert not (tmp_path / "keys").exists()


def test_the_warning_says_what_it_is_not_for() -> None:
    assert "one machine" in WARNING
    assert "production" in WARNING


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_it_opens_again_with_everything(tmp_path: Path, tenant: str, passphrase: str | None) -> None:
    first = LocalKeyStore.open(tmp_path, embedded_profile=True, passphrase=passphrase)
    first.advance_epoch(tenant)
    epoch = first.open_epoch(tenant)
    assert rotate(first.claims).ref == KeyRef("sigillo-claim", 2)
    again = LocalKeyStore.open(tmp_path, embedded_profile=True, passphrase=passphrase)
    assert again.anchors() == first.anchors()
    assert again.open_epoch(tenant, epoch.wrapped) == epoch
    for purpose, version in ((Purpose.CLAIM, 1), (Purpose.CLAIM, 2), (Purpose.LOG, 1)):
        old, new = first.signer(purpose, version), again.signer(purpose, version)
        assert (old.public_key, old.chain) == (new.public_key, new.chain)


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    LocalKeyStore.open(tmp_path, embedded_profile=True, passphrase="correct horse")
    with pytest.raises(WrongPassphraseError):
        LocalKeyStore.open(tmp_path, embedded_profile=True, passphrase="battery staple")


def test_no_private_key_shows_in_a_repr(local_store: LocalKeyStore) -> None:
    assert "private" not in repr(local_store.signer(Purpose.CLAIM)).lower()


def test_a_destroyed_epoch_leaves_the_file(tmp_path: Path, tenant: str) -> None:
    store = open_store(tmp_path)
    store.advance_epoch(tenant)
    key = Keyring.model_validate_json(stored(tmp_path)).wrapping[tenant][1].encode()
    store.advance_epoch(tenant)
    assert key in stored(tmp_path)
    names = set(tmp_path.iterdir())
    store.destroy_epochs(tenant, before=2)
    assert key not in stored(tmp_path)
    assert set(tmp_path.iterdir()) == names


def test_a_crash_before_the_rename_leaves_the_old_store(tmp_path: Path, tenant: str) -> None:
    store = open_store(tmp_path)
    store.advance_epoch(tenant)
    epoch = store.open_epoch(tenant)
    before = stored(tmp_path)
    for change in (f"advance_epoch({tenant!r})", "claims.make(Algorithm.ES256)"):
        crash_before_the_rename(tmp_path, change)
        assert stored(tmp_path) == before
    again = open_store(tmp_path)
    assert again.open_epoch(tenant, epoch.wrapped) == epoch
    assert again.advance_epoch(tenant) == 2
    assert not list(tmp_path.glob("*.part"))


def test_two_stores_on_one_folder_lose_nothing(tmp_path: Path, tenant: str) -> None:
    stores = [open_store(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda index: stores[index % 4].advance_epoch(tenant), range(16)))
    assert sorted(numbers) == list(range(1, 17))
    assert open_store(tmp_path).open_epoch(tenant).number == 16


def test_a_failed_change_writes_nothing(tmp_path: Path, tenant: str) -> None:
    store = open_store(tmp_path)
    store.advance_epoch(tenant)
    before = (tmp_path / "keys.sealed").read_bytes()
    with pytest.raises(ValueError, match="newest"):
        store.destroy_epochs(tenant, before=9)
    assert (tmp_path / "keys.sealed").read_bytes() == before


def test_a_full_disk_leaves_the_old_store(tmp_path: Path, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    store.advance_epoch(tenant)

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeyStoreUnavailableError, match="No space"):
            store.advance_epoch(tenant)
    assert store.open_epoch(tenant).number == 1
    assert store.advance_epoch(tenant) == 2


def test_its_authoritys_list_speaks_for_its_certificates_and_names_nobody(
    local_store: LocalKeyStore, clock: MovingClock
) -> None:
    leaf, issuer = parse(local_store.signer(Purpose.CLAIM).chain)
    for _ in range(2):
        found = RevocationList.of(local_store.revocation_list(), [issuer], clock())
        assert found.speaks_for(leaf)
        assert (found.revoked, found.made) == ({}, clock().replace(microsecond=0))
        clock.move(LIST_LIFE)
