"""Starting on ground that is not what it should be: refuse, say what to do, change nothing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import keys.high_water
import keys.sealed_file
import keys.secret_file
from api.running.home import HomeHeldError, StartError
from keys.errors import KeyStoreUnavailableError
from ledger.errors import DatabaseUnavailableError
from tests.api.wire import signed
from tests.deployment import running
from tests.waiting import until


@contextmanager
def no_room_for(name: str) -> Iterator[None]:
    """The disk is full whenever a secret file with such a name is written, and for nothing else."""
    replace = keys.secret_file.replace_secret

    def full(path: Path, content: bytes) -> None:
        if fnmatch(path.name, name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        replace(path, content)

    with pytest.MonkeyPatch.context() as patched:
        for module in (keys.sealed_file, keys.high_water):
            patched.setattr(module, "replace_secret", full)
        yield


def test_a_first_start_without_room_for_its_keys_is_refused(tmp_path: Path) -> None:
    for name, refused in (("keys.key", OSError), ("keys.sealed", KeyStoreUnavailableError)):
        with no_room_for(name), pytest.raises(refused, match="No space left"), running(tmp_path):
            raise AssertionError("started without keys")
    with running(tmp_path) as up:
        assert up.operator.ready()["ready"]


def test_a_first_start_without_room_for_its_high_water_mark_signs_nothing(tmp_path: Path) -> None:
    """What it did is durable and not proven, and `/readyz` says why. The next start proves it once there is room."""
    with no_room_for("log-high-water-*"), running(tmp_path) as up:
        until(lambda: "No space left" in up.operator.ready()["parts"]["ledger"]["reason"])
    with ExitStack() as stack:
        with no_room_for("log-high-water-*"):
            up = stack.enter_context(running(tmp_path))
            until(lambda: "No space left" in up.operator.ready()["parts"]["ledger"]["reason"])
            assert not list((tmp_path / "keys").glob("log-high-water-*.json"))
            status = up.service.ledger.status()
            assert status.committed > status.proven == 0
        until(lambda: up.service.ledger.status().proven == up.service.ledger.status().committed)
        assert up.operator.ready()["ready"]
        assert up.service.ledger.verify().sound


@pytest.mark.sqlite("of the file that SQLite is")
def test_media_without_their_database_refuse_a_new_one(tmp_path: Path) -> None:
    with running(tmp_path) as up, up.http(up.key()) as http:
        signed(http)
    kept = tmp_path / "sigillo.db"
    moved = kept.rename(tmp_path / "moved.db")
    with pytest.raises(StartError, match=r"sigillo\.db is missing"), running(tmp_path):
        raise AssertionError("started over")
    assert not kept.exists()
    moved.rename(kept)
    with running(tmp_path) as up:
        assert up.operator.ready()["ready"]
    assert len(list((tmp_path / "blobs").iterdir())) == 1


@pytest.mark.sqlite("of the file that SQLite is")
def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "sigillo.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(DatabaseUnavailableError, match="backup"), running(tmp_path):
        raise AssertionError("started")


@pytest.mark.sqlite("of the file that SQLite is")
@pytest.mark.parametrize("lost", ["keys/keys.sealed", "keys", "blobs", "sigillo.db", "emptied sigillo.db"])
def test_a_lost_part_is_never_made_anew(tmp_path: Path, lost: str) -> None:
    home = tmp_path / "home"
    with running(home) as up:
        assert up.key()
    name = lost.removeprefix("emptied ")
    aside = (home / name).rename(tmp_path / "aside")
    if name != lost:
        (home / name).touch()
    before = sorted(path for path in home.rglob("*") if path.suffix not in {".lock", ""} or path.is_dir())
    with pytest.raises(StartError, match="is missing or empty"), running(home):
        raise AssertionError("began anew")
    assert sorted(path for path in home.rglob("*") if path.suffix not in {".lock", ""} or path.is_dir()) == before
    aside.rename(home / name)
    with running(home) as up:
        assert up.service.ledger.verify().sound


def test_keys_and_database_of_two_folders_are_not_mixed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with running(tmp_path / name) as up:
            assert up.key()
    (tmp_path / "one" / "keys").rename(tmp_path / "aside")
    shutil.copytree(tmp_path / "two" / "keys", tmp_path / "one" / "keys")
    with pytest.raises(StartError, match="do not belong together"), running(tmp_path / "one"):
        raise AssertionError("another folder's keys served")


@pytest.mark.sqlite("of the file that SQLite is")
def test_a_linked_database_is_still_one(tmp_path: Path) -> None:
    with running(tmp_path / "one"):
        (tmp_path / "two").mkdir(mode=0o700)
        shutil.copytree(tmp_path / "one" / "keys", tmp_path / "two" / "keys")
        (tmp_path / "two" / "sigillo.db").symlink_to(tmp_path / "one" / "sigillo.db")
        with pytest.raises(HomeHeldError, match=r"sigillo\.db"), running(tmp_path / "two"):
            raise AssertionError("two writers on one database")


def test_a_damaged_mark_is_told(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "begun.json").write_text("{")
    with pytest.raises(StartError, match="damaged"), running(tmp_path):
        raise AssertionError("started")


def test_keys_of_another_kind_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with running(tmp_path) as up, up.http(up.key()) as http:
        asset, _ = signed(http)
    vault: dict[str, Any] = {"keys": "vault", "vault_url": "http://127.0.0.1:1", "vault_token": "x"}
    with pytest.raises(StartError, match="begun with embedded keys"), running(tmp_path, **vault):
        raise AssertionError("started with other keys")
    lost = (tmp_path / "keys").rename(tmp_path / "elsewhere")
    with pytest.raises(StartError, match=r"keys\.sealed is missing"), running(tmp_path):
        raise AssertionError("made new keys beside an old database")
    assert not (tmp_path / "keys").exists()
    lost.rename(tmp_path / "keys")
    with running(tmp_path) as up:
        assert up.service.ledger.verify().sound
        assert up.operator.receipt(asset["ledger"]["entry"])


def test_two_services_never_share_a_database(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    with running(tmp_path / "one", database=shared) as up:
        assert up.operator.ready()["ready"]
        with pytest.raises(HomeHeldError, match=r"shared\.db"), running(tmp_path / "two", database=shared):
            raise AssertionError("shared")
