from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys.errors import KeyStoreDownError
from keys.local import LocalKeyStore
from keys.rotation import rotate
from keys.signer import KeyRef, Purpose


def opened(folder: Path) -> LocalKeyStore:
    return LocalKeyStore.open(folder, embedded_profile=True)


def test_what_another_process_changed_is_seen_at_the_next_use(tmp_path: Path) -> None:
    service, command = opened(tmp_path), opened(tmp_path)
    service.advance_epoch("ten_a")
    for version in (2, 3):
        rotate(command.claims)
        assert service.signer(Purpose.CLAIM).ref == KeyRef("sigillo-claim", version)
    assert command.advance_epoch("ten_a") == 2
    assert service.open_epoch("ten_a").number == 2


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = opened(tmp_path)
    first = service._held.keyring
    monkeypatch.setattr(type(service._held._file), "read", lambda _: pytest.fail("read"))
    for _ in range(3):
        service.signer(Purpose.CLAIM).sign(b"claim")
    assert service._held.keyring is first


@pytest.mark.parametrize("trouble", ["gone", "loose", "damaged"])
def test_a_file_that_cannot_be_read_stops_what_needs_it_until_it_can(tmp_path: Path, trouble: str) -> None:
    service, file = opened(tmp_path), tmp_path / "keys.sealed"
    kept = file.read_bytes()
    if trouble == "gone":
        file.unlink()
    elif trouble == "damaged":
        file.write_bytes(kept[:-1])
    else:
        file.chmod(0o640)
        os.utime(file)
    for ask in (lambda: service.signer(Purpose.CLAIM), service.anchors, lambda: service.advance_epoch("ten_a")):
        with pytest.raises(KeyStoreDownError):
            ask()
    status = service.status()
    assert not status.ready
    assert str(file) in status.reason
    file.touch(0o600)
    file.chmod(0o600)
    file.write_bytes(kept)
    assert service.status().ready
    service.signer(Purpose.CLAIM).sign(b"claim")


def test_many_sign_while_another_process_rotates(tmp_path: Path) -> None:
    service, command = opened(tmp_path), opened(tmp_path)

    def sign(_: int) -> int:
        signer = service.signer(Purpose.CLAIM)
        assert len(signer.sign(b"claim")) == 64
        return signer.ref.version

    with ThreadPoolExecutor(8) as pool:
        versions = pool.map(sign, range(400))
        for _ in range(5):
            rotate(command.claims)
        assert set(versions) <= set(range(1, 7))
    assert service.signer(Purpose.CLAIM).ref.version == 6
