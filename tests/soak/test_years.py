"""What an operator does in years, in minutes and under traffic: every claim key rotated, every certificate renewed, an
old version retired, OpenBao away for SOAK_OUTAGE_SECONDS. Nothing that was acknowledged is lost, whoever is refused
is told what is missing and when to come back, the service is never restarted, and the only trace is in the metrics.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.running.log import NAME
from benchmarks.deployment import Deployment, served
from keys.openbao import OpenBao
from keys.vault_claims import SETTLING_TIME
from tests.api.cli.process import sigillo
from tests.api.wire import PATIENCE
from tests.journeys.traffic import Uploads, Verifications, assert_kept
from tests.simulators.outside_ca import OutsideCA

OUTAGE_SECONDS = float(os.environ.get("SOAK_OUTAGE_SECONDS", "600"))
UPLOADERS, VERIFIERS, REST = 4, 2, 0.2
ALGORITHMS = ("es256", "ed25519")
OPERATORS_POLICY = Path(__file__).parents[2] / "deploy" / "vault" / "sigillo-operator.hcl"

OUTAGE = {"503 key-store-down", "503 key-store-sealed"}
"""How uploads are refused meanwhile; sealed is what OpenBao is between its start and its unsealing."""

MOST_WARNINGS = 20
"""In the whole log. A line a second of outage would be hundreds."""

pytestmark = [pytest.mark.soak, pytest.mark.openbao]


@dataclass
class House:
    """A real service on a real OpenBao, and its operator."""

    bao: OpenBao
    up: Deployment
    folder: Path
    ca: OutsideCA
    environment: dict[str, str]
    """Of the operator's commands: a token with the operator's policy and no other."""

    def http(self) -> httpx.Client:
        """A caller's with a key, on the network."""
        headers = {"Authorization": f"Bearer {self.up.token}"}
        return httpx.Client(base_url=self.up.url, headers=headers, timeout=PATIENCE)

    def told(self, *command: object) -> Any:
        """What `sigillo keys …` answered."""
        done = sigillo(self.folder, "keys", *command, "--json", **self.environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def certified(self, *version: str) -> str:
        """An outside CA certifies the version that waits, or the named one anew."""
        chain, root = self.folder / "chain.pem", self.folder / "root.pem"
        chain.write_text(self.ca.issue(self.told("csr", *version)["csr"]))
        root.write_text(self.ca.root)
        return str(self.told("install-chain", chain, "--root", root)["key"])

    def kinds(self) -> Counter[str]:
        """The ledger's entries, by kind."""
        with closing(sqlite3.connect(f"file:{self.up.home.folder / 'sigillo.db'}?mode=ro", uri=True)) as connection:
            return Counter(dict(connection.execute("SELECT kind, count(*) FROM payload GROUP BY kind").fetchall()))

    def metrics(self) -> dict[str, float]:
        """Every sample, by its name and labels."""
        with self.http() as http:
            families = text_string_to_metric_families(http.get("/metrics").text)
        return {
            f"{sample.name} {' '.join(sorted(sample.labels.values()))}".strip(): sample.value
            for family in families
            for sample in family.samples
        }

    def log(self) -> list[dict[str, Any]]:
        """What the service said of itself, requests left out."""
        lines = [json.loads(line) for line in (self.up.home.logs / NAME).read_text().splitlines()]
        return [line for line in lines if line["event"] != "answered"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with OpenBao(tmp_path / "bao") as bao:
        made, root, wrapped = bao.bootstrap(), bao.vault(), tmp_path / "wrapped"
        wrapped.write_text(made.secret_id.token)
        root.write("sys/policies/acl/sigillo-operator", {"policy": OPERATORS_POLICY.read_text()})
        token = root.write("auth/token/create", {"policies": ["sigillo-operator"]})["auth"]["client_token"]
        settings = {
            "SIGILLO_KEYS": "vault",
            "SIGILLO_VAULT_URL": bao.url,
            "SIGILLO_VAULT_ROLE_ID": made.role_id,
            "SIGILLO_VAULT_WRAPPED_SECRET_ID_FILE": str(wrapped),
        }
        with served(tmp_path / "home", settings) as up:
            operator = {"vault_url": bao.url, "vault_token": token}
            yield House(bao, up, tmp_path, OutsideCA(datetime.now(UTC)), operator)


def turns(house: House) -> Iterator[str]:
    """Every key rotated, by our CA and an outside one, and its certificate renewed, twice: what signs after each."""
    for algorithm in ALGORITHMS:
        yield house.told("rotate", "--algorithm", algorithm)["key"]
    for algorithm in ALGORITHMS:
        waiting = house.told("rotate", "--outside-ca", "--algorithm", algorithm)["key"]
        for _ in range(3):
            yield house.certified("--key", waiting)


def test_years_go_by_unnoticed(house: House) -> None:
    process = house.up.process.pid
    with Uploads(house.http, UPLOADERS, REST) as uploads:
        uploads.signed()
        uploads.until(lambda: house.kinds()["claimkey.changed"])
        before = house.kinds()
        with Verifications(uploads, house.http, VERIFIERS, REST) as verifications:
            _rotate(house, uploads)
            assert uploads.answers.keys() == {"201"}, uploads.answers
            changes, quiet = house.kinds()["claimkey.changed"], len(house.log())
            _outage(house, uploads)
    assert verifications.answers.keys() == {"trusted"}, verifications.answers
    assert uploads.answers.keys() <= {"201", *OUTAGE}, uploads.answers
    print(f"\n{OUTAGE_SECONDS:g} s without OpenBao: uploads {dict(uploads.answers)}", end="")
    print(f", verifications {dict(verifications.answers)}, {len(house.log()) - quiet} lines in the log")
    with house.http() as http:
        assert_kept(http, uploads.promises)
    assert house.up.process.poll() is None
    assert house.up.process.pid == process
    _assert_only_in_the_metrics(house, uploads)
    assert house.kinds() == {**before, "asset.signed": len(uploads.promises), "claimkey.changed": changes}


def _rotate(house: House, uploads: Uploads) -> None:
    """Every key and certificate, and at last an end to the first. Each change is one entry."""
    first, known = uploads.promises[0].key, house.kinds()["claimkey.changed"]
    for turn, key in enumerate(turns(house), start=known + 1):
        uploads.until(lambda: house.kinds()["claimkey.changed"] == turn)  # noqa: B023 -- at once
        uploads.until_signed_with(key)
    time.sleep(SETTLING_TIME.total_seconds())
    assert house.told("retire", first)["retired"] == [first]
    uploads.until(lambda: house.kinds()["claimkey.changed"] == turn + 1)


def _outage(house: House, uploads: Uploads) -> None:
    house.bao.stop()
    try:
        uploads.refused("key-store-down")
        signed = uploads.answers["201"]
        time.sleep(OUTAGE_SECONDS)
        assert uploads.answers["201"] == signed
        with house.http() as http:
            assert http.get("/healthz").status_code == httpx.codes.OK
            parts = http.get("/readyz").json()["parts"]
        assert "does not answer" in parts["keys"]["reason"]
    finally:
        house.bao.start()
    uploads.signed()
    with house.http() as http:
        uploads.until(lambda: http.get("/readyz").status_code == httpx.codes.OK)


def _assert_only_in_the_metrics(house: House, uploads: Uploads) -> None:
    seen, log = house.metrics(), house.log()
    refused = sum(uploads.answers[how] for how in OUTAGE)
    assert seen["sigillo_requests_total /v1/assets 503 POST"] == refused
    assert seen["sigillo_requests_total /v1/assets 201 POST"] == len(uploads.promises) == uploads.answers["201"]
    assert sum(value for name, value in seen.items() if name.startswith("sigillo_vault_errors_total down")) > 0
    assert seen["sigillo_vault_breaker_open"] == 0
    assert [line for line in log if line["level"] in {"error", "critical"}] == []
    assert len([line for line in log if line["level"] == "warning"]) <= MOST_WARNINGS, log
    assert "Traceback" not in house.up.log.read_text()
