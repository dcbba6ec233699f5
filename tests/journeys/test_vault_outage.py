"""OpenBao is restarted, sealed and locks us out while files are uploaded: 503 meanwhile, nothing half-written, and well
again by itself.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from keys.approle import SECRET_ID_PATH
from keys.openbao import OpenBao
from tests.api.wire import PATIENCE, rows, upload
from tests.deployment import Running, running

UPLOADERS = 3


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """This module's own: it is stopped and sealed."""
    with OpenBao(tmp_path_factory.mktemp("bao")) as server:
        yield server


@contextmanager
def vaulted(bao: OpenBao, folder: Path) -> Iterator[Running]:
    """A deployment that logs in as a role; its wrapping token comes in a file."""
    report = bao.bootstrap()
    wrapped = folder / "wrapped"
    wrapped.write_text(f"{report.secret_id.token}\n")
    settings: dict[str, Any] = {"keys": "vault", "vault_url": bao.url, "vault_role_id": report.role_id}
    with running(folder / "home", vault_wrapped_secret_id_file=wrapped, **settings) as up:
        yield up


@pytest.fixture
def up(bao: OpenBao, tmp_path: Path) -> Iterator[Running]:
    with vaulted(bao, tmp_path) as deployment:
        yield deployment


class Uploaders:
    """Threads that upload without end, and how each upload was answered."""

    def __init__(self, up: Running) -> None:
        self._up, self._token = up, up.key()
        self._stop = threading.Event()
        self.answers, self.assets = Counter[str](), list[str]()
        self._threads = [threading.Thread(target=self._run) for _ in range(UPLOADERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self._up.http(self._token) as http:
            while not self._stop.wait(0.01):
                answer = upload(http)
                if answer.status_code == 201:
                    self.assets.append(answer.json()["id"])
                    self.answers["201"] += 1
                else:
                    self.answers[f"{answer.status_code} {answer.json()['type']}"] += 1

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)

    def signed(self) -> None:
        """Wait until every uploader may have signed once more."""
        wanted = self.answers["201"] + UPLOADERS
        self.until(lambda: self.answers["201"] >= wanted)

    def refused(self, slug: str) -> None:
        problem = f"503 urn:sigillo:problem:{slug}"
        wanted = self.answers[problem] + UPLOADERS
        self.until(lambda: self.answers[problem] >= wanted)


def assert_whole(up: Running, uploaders: Uploaders) -> None:
    """What was acknowledged is there, and nothing else is."""
    assert {kind[:3] for kind in uploaders.answers} <= {"201", "503"}, uploaders.answers
    recorded = {asset for (asset,) in rows(up, "SELECT id FROM asset")}
    assert recorded == set(uploaders.assets)
    assert len(list(up.home.blobs.iterdir())) == len(recorded)
    entries = rows(up, "SELECT data FROM entry")
    assert sum(b'"asset.signed"' in entry for (entry,) in entries) == len(recorded)


def test_a_restart_in_mid_traffic(bao: OpenBao, up: Running) -> None:
    with Uploaders(up) as uploaders:
        uploaders.signed()
        bao.kill()
        try:
            uploaders.refused("key-store-down")
            assert not up.operator.ready()["parts"]["keys"]["ready"]
        finally:
            bao.start()
        uploaders.signed()
        uploaders.until(lambda: bool(up.operator.ready()["ready"]))
    assert_whole(up, uploaders)


def test_sealed_in_mid_traffic(bao: OpenBao, up: Running) -> None:
    with Uploaders(up) as uploaders:
        uploaders.signed()
        bao.seal()
        try:
            uploaders.refused("key-store-sealed")
        finally:
            bao.unseal()
        uploaders.signed()
    assert_whole(up, uploaders)


def test_locked_out_until_a_new_secret_id_is_handed_over(bao: OpenBao, up: Running, tmp_path: Path) -> None:
    root = bao.vault()
    with Uploaders(up) as uploaders:
        uploaders.signed()
        for accessor in (root.list(SECRET_ID_PATH) or {"data": {"keys": []}})["data"]["keys"]:
            root.write(f"{SECRET_ID_PATH}-accessor/destroy", {"secret_id_accessor": accessor})
        root.write("sys/leases/revoke-prefix/auth/sigillo/login", {})
        uploaders.refused("key-store-forbidden")
        (tmp_path / "wrapped").write_text(bao.bootstrap().secret_id.token)
        uploaders.signed()
    assert_whole(up, uploaders)


def test_metrics_tell_how_vault_serves_and_name_no_tenant(bao: OpenBao, up: Running) -> None:
    with Uploaders(up) as uploaders:
        uploaders.signed()
        bao.seal()
        try:
            uploaders.refused("key-store-sealed")
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
