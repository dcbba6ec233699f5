"""Starting on ground that is not what it should be: refuse, say what to do, change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.home import HomeHeldError, StartError
from ledger.errors import DatabaseUnavailableError
from tests.api.wire import signed
from tests.deployment import running


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


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "sigillo.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(DatabaseUnavailableError, match="backup"), running(tmp_path):
        raise AssertionError("started")


def test_keys_of_another_kind_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with running(tmp_path) as up, up.http(up.key()) as http:
        asset, _ = signed(http)
    vault: dict[str, Any] = {"keys": "vault", "vault_url": "http://127.0.0.1:1", "vault_token": "x"}
    with pytest.raises(StartError, match="begun with embedded keys"), running(tmp_path, **vault):
        raise AssertionError("started with other keys")
    lost = (tmp_path / "keys").rename(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="keys is missing"), running(tmp_path):
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
