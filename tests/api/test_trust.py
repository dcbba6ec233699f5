"""Verifying goes on while Vault is down, after a restart too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.parts.trust import Trust
from api.settings import Profile, Settings
from keys.certificates import development_ca
from keys.chain import pem
from keys.errors import KeyStoreDownError, KeyStoreUnavailableError
from keys.openbao import OpenBao
from provenance.errors import TrustPolicyError
from tests.api.wire import problem, signed, upload
from tests.deployment import running
from tests.simulators.key_store import SimulatedKeyStore
from tests.simulators.outside_ca import OutsideCA


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


@pytest.mark.parametrize("answer", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_root_is_neither_kept_nor_believed(tmp_path: Path, answer: str) -> None:
    store, kept = SimulatedKeyStore(), tmp_path / "anchors.pem"
    good = store.root
    Trust(Settings(home=tmp_path), store, kept).policy()
    trust, store.root = Trust(Settings(home=tmp_path), store, kept), answer
    assert trust.anchors() == good, "what is kept still serves"
    assert kept.read_text() == good
    kept.write_text(answer)
    trust = Trust(Settings(home=tmp_path), store, kept)
    with pytest.raises(KeyStoreUnavailableError):
        trust.policy()
    store.root = good
    assert trust.anchors() == good, "it recovers by itself"


def test_outside_the_embedded_profile_nobody_brings_a_development_ca(tmp_path: Path) -> None:
    store, ca = SimulatedKeyStore(), development_ca(datetime.now(UTC))
    store.root = OutsideCA(datetime.now(UTC)).root
    settings = Settings(home=tmp_path)
    for certificate in (ca.root, ca.intermediate):
        given = pem([certificate])
        assert Trust(settings, store, tmp_path / "anchors.pem").widened(given, "").anchors.count("BEGIN") == 2
        server = settings.model_copy(update={"profile": Profile.SERVER})
        trust = Trust(server, store, tmp_path / "anchors.pem")
        assert trust.policy().anchors == store.root
        with pytest.raises(TrustPolicyError, match="only the embedded profile"):
            trust.widened(given, "")
        (tmp_path / "theirs.pem").write_text(given)
        named = server.model_copy(update={"trust_anchors": tmp_path / "theirs.pem"})
        with pytest.raises(TrustPolicyError, match=r"theirs\.pem"):
            Trust(named, store, tmp_path / "anchors.pem")


def test_roots_that_cannot_be_kept_serve_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "anchors.pem").mkdir()
    store = SimulatedKeyStore()
    trust = Trust(Settings(home=tmp_path), store, tmp_path / "anchors.pem")
    assert trust.anchors() == store.root
    assert [path.name for path in tmp_path.iterdir()] == ["anchors.pem"]


def test_roots_are_kept_as_soon_as_there_is_room_and_the_log_tells_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, kept = SimulatedKeyStore(), tmp_path / "anchors.pem"
    kept.mkdir()  # nothing can be put in its place, as on a full disk
    trust = Trust(Settings(home=tmp_path), store, kept)
    with caplog.at_level("WARNING", "sigillo"):
        for _ in range(3):
            assert trust.anchors() == store.root
    assert len(caplog.records) == 1
    kept.rmdir()
    trust.policy()
    assert kept.read_text() == store.root
    kept.unlink()
    trust.policy()
    assert not kept.exists(), "what was written once is not written with every file"


def test_files_are_verified_after_a_restart_while_vault_is_sealed(openbao: OpenBao, tmp_path: Path) -> None:
    vault: dict[str, Any] = {
        "keys": "vault",
        "vault_url": openbao.url,
        "vault_token": openbao.bootstrap().service_token,
    }
    with running(tmp_path, **vault) as up, up.http(token_of_a_key := up.key()) as http:
        _, file = signed(http, claim={"visibility": "public"})
        anchors = up.operator.anchors()
        assert upload(http, file, path="/v1/verifications").json()["ledger"]
    openbao.seal()
    try:
        with running(tmp_path, **vault) as up, up.http() as anyone:
            report = upload(anyone, file, path="/v1/verifications").json()
            assert (report["verdict"], report["ledger"]) == ("trusted", None)
            said = problem(
                upload(anyone, file, headers={"Authorization": f"Bearer {token_of_a_key}"}), 503, "key-store-sealed"
            )
            assert openbao.url not in said["detail"]
            assert up.operator.anchors() == anchors
            assert not up.operator.ready()["ready"]
    finally:
        openbao.unseal()
