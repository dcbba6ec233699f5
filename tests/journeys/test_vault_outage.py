"""OpenBao is restarted, sealed and locks us out while files are uploaded: 503 meanwhile, nothing half-written, and well
again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.approle import SECRET_ID_PATH
from keys.certificates import subject_name
from keys.openbao import OpenBao
from keys.rotation import certificate_request, rotate
from keys.vault_claims import VaultClaimKeys
from keys.vault_versions import SIGNING_MOUNT
from tests.api.wire import problem, rows, signed, upload
from tests.deployment import Running, running
from tests.journeys.traffic import Uploads
from tests.simulators.outside_ca import OutsideCA

UPLOADERS = 3


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """This module's own: it is stopped and sealed."""
    with OpenBao(tmp_path_factory.mktemp("bao")) as server:
        yield server


def role(bao: OpenBao, folder: Path) -> dict[str, Any]:
    """Settings of a deployment that logs in as a role; its wrapping token comes in a file."""
    report, wrapped = bao.bootstrap(), folder / "wrapped"
    wrapped.write_text(f"{report.secret_id.token}\n")
    known = {"keys": "vault", "vault_url": bao.url, "vault_role_id": report.role_id}
    return {**known, "vault_wrapped_secret_id_file": wrapped}


@pytest.fixture
def up(bao: OpenBao, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "home", **role(bao, tmp_path)) as deployment:
        yield deployment


def uploading(up: Running) -> Uploads:
    token = up.key()
    return Uploads(lambda: up.http(token), UPLOADERS, rest=0.01)


def assert_whole(up: Running, uploads: Uploads) -> None:
    """What was acknowledged is there, and nothing else is."""
    assert {answer[:3] for answer in uploads.answers} <= {"201", "503"}, uploads.answers
    recorded = {asset for (asset,) in rows(up, "SELECT id FROM asset")}
    assert recorded == {promise.asset for promise in uploads.promises}
    assert len(list(up.home.blobs.iterdir())) == len(recorded)
    entries = rows(up, "SELECT data FROM entry")
    assert sum(b'"asset.signed"' in entry for (entry,) in entries) == len(recorded)


def test_a_restart_in_mid_traffic(bao: OpenBao, up: Running) -> None:
    with uploading(up) as uploads:
        uploads.signed()
        bao.kill()
        try:
            uploads.refused("key-store-down")
            assert not up.operator.ready()["parts"]["keys"]["ready"]
        finally:
            bao.start()
        uploads.signed()
        uploads.until(lambda: bool(up.operator.ready()["ready"]))
    assert_whole(up, uploads)


def test_sealed_in_mid_traffic(bao: OpenBao, up: Running) -> None:
    with uploading(up) as uploads:
        uploads.signed()
        bao.seal()
        try:
            uploads.refused("key-store-sealed")
        finally:
            bao.unseal()
        uploads.signed()
    assert_whole(up, uploads)


def test_locked_out_until_a_new_secret_id_is_handed_over(bao: OpenBao, up: Running, tmp_path: Path) -> None:
    root = bao.vault()
    with uploading(up) as uploads:
        uploads.signed()
        for accessor in (root.list(SECRET_ID_PATH) or {"data": {"keys": []}})["data"]["keys"]:
            root.write(f"{SECRET_ID_PATH}-accessor/destroy", {"secret_id_accessor": accessor})
        root.write("sys/leases/revoke-prefix/auth/sigillo/login", {})
        uploads.refused("key-store-forbidden")
        (tmp_path / "wrapped").write_text(bao.bootstrap().secret_id.token)
        uploads.signed()
    assert_whole(up, uploads)


def test_metrics_tell_how_vault_serves_and_name_no_tenant(bao: OpenBao, up: Running) -> None:
    with uploading(up) as uploads:
        uploads.signed()
        bao.seal()
        try:
            uploads.refused("key-store-sealed")
        finally:
            bao.unseal()
    with up.http() as http:
        text = http.get("/metrics").text
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("sigillo_vault"))
    for operation in ("sign", "epoch", "login", "read"):
        assert float(samples[f'sigillo_vault_seconds_count{{operation="{operation}"}}']) >= 1
    assert any('kind="sealed"' in name for name in samples)
    assert samples["sigillo_vault_breaker_open"] == "0.0"
    assert 0 < float(samples['sigillo_vault_credential_seconds{credential="token"}']) <= 3600
    assert 0 < float(samples['sigillo_vault_credential_seconds{credential="secret_id"}']) <= 365 * 24 * 3600
    (tenant,) = rows(up, "SELECT tenant_id FROM tenant")[0]
    assert tenant not in text


def test_a_certificate_set_by_hand_that_does_not_fit(bao: OpenBao, tmp_path: Path) -> None:
    """Vault holds it to the key alone. Nothing is signed under it, and all else goes on, after a restart too."""
    settings, claims, ca = role(bao, tmp_path), VaultClaimKeys(bao.vault()), OutsideCA(datetime.now(UTC))
    with running(tmp_path / "home", **settings) as up, up.http(up.key()) as http:
        _, file = signed(http)
        version, csr = certificate_request(claims, subject_name("Acme"), rotate(claims).ref)
        wrong = ca.issue(csr, replace(ca.wish(), purposes=[ExtendedKeyUsageOID.SERVER_AUTH]))
        key = {"certificate_chain": wrong, "version": version.ref.version}
        bao.vault().write(f"{SIGNING_MOUNT}/keys/{version.ref.name}/set-certificate", key)
        up.service.keys.status()  # looks again at once
        problem(upload(http), 503, "certificate-unfit")
    with running(tmp_path / "home", **settings) as up, up.http(up.key()) as http:
        problem(upload(http), 503, "certificate-unfit")
        assert "sigillo keys rotate" in up.operator.ready()["parts"]["keys"]["reason"]
        assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted"
        rotate(claims)
        up.service.keys.status()
        signed(http)
