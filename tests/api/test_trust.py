"""Verifying goes on while Vault is down, after a restart too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from api.trust import Trust
from keys.errors import KeyStoreDownError
from keys.openbao import OpenBao
from tests.api.wire import signed, upload
from tests.deployment import running
from tests.simulators.key_store import SimulatedKeyStore


def test_a_key_store_never_reached_is_an_error_until_it_answers(tmp_path: Path) -> None:
    store = SimulatedKeyStore()
    trust = Trust(Settings(home=tmp_path), store, tmp_path / "anchors.pem")
    store.go_down()
    with pytest.raises(KeyStoreDownError):
        trust.policy()
    assert not list(tmp_path.iterdir())
    store.recover()
    assert trust.anchors() == store.anchors()
    assert [path.name for path in tmp_path.iterdir()] == ["anchors.pem"]


def test_files_are_verified_after_a_restart_while_vault_is_sealed(openbao: OpenBao, tmp_path: Path) -> None:
    vault: dict[str, Any] = {
        "keys": "vault",
        "vault_url": openbao.url,
        "vault_token": openbao.bootstrap().service_token,
    }
    with running(tmp_path, **vault) as up, up.http(up.key()) as http:
        _, file = signed(http)
        anchors = up.operator.anchors()
    openbao.seal()
    try:
        with running(tmp_path, **vault) as up, up.http() as anyone:
            assert upload(anyone, file, path="/v1/verifications").json()["verdict"] == "trusted"
            assert up.operator.anchors() == anchors
            assert not up.operator.ready()["ready"]
    finally:
        openbao.unseal()
