from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from keys.openbao import OpenBao
from tests.api.wire import problem, rows, signed, upload
from tests.deployment import Running, running


def test_alive(deployment: Running) -> None:
    with deployment.http() as http:
        assert http.get("/healthz").json() == {"status": "alive"}


def test_ready_part_by_part(own: Running) -> None:
    """A shared deployment may still be getting over what another test did to it."""
    ready = own.operator.ready()
    assert ready["ready"] is True, ready
    assert set(ready["parts"]) == {
        "keys",
        "ledger",
        "housekeeping",
        "epochs",
        "revocation",
        "trust",
        "workers",
        "issuer",
        "faces",
        "recovery",
    }
    assert all(part == {"ready": True, "reason": "", "warning": ""} for part in ready["parts"].values())


def metrics(up: Running) -> dict[str, float]:
    with up.http() as http:
        answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_metrics_count_and_name_nobody(deployment: Running) -> None:
    before = metrics(deployment)
    with deployment.http(deployment.key()) as http:
        asset, file = signed(http)
        upload(http, file, path="/v1/verifications")
        http.get("/no/such/page")
    after = metrics(deployment)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("sigillo_assets_signed_total{time_stamp=no}") == 1
    assert grown("sigillo_verifications_total{verdict=trusted}") == 1
    assert grown("sigillo_requests_total{method=POST,route=/v1/assets,status=201}") == 1
    assert grown("sigillo_requests_total{method=GET,route=/v1/assets/{asset}/content,status=200}") == 1
    assert grown("sigillo_requests_total{method=GET,route=unmatched,status=404}") == 1
    assert grown("sigillo_request_seconds_count{method=POST,route=/v1/assets}") == 1
    assert after["sigillo_ready{part=keys}"] == 1
    assert after["sigillo_log_entries{state=durable}"] >= after["sigillo_log_entries{state=proven}"] >= 0
    shown = "\n".join(after)
    for secret in (asset["id"], asset["ledger"]["entry"], "prn_", "sgk_", "no/such/page"):
        assert secret not in shown


@pytest.fixture(scope="module")
def vaulted(openbao: OpenBao, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment whose keys are in OpenBao."""
    token = openbao.bootstrap().service_token
    home = tmp_path_factory.mktemp("vaulted")
    with running(home, keys="vault", vault_url=openbao.url, vault_token=token) as up:
        yield up


def test_sealed_key_store_refuses_what_needs_it_and_recovers(vaulted: Running, openbao: OpenBao) -> None:
    token = vaulted.key()
    with vaulted.http(token) as http:
        asset, file = signed(http)
        before = rows(vaulted, "SELECT id FROM entry")
        blobs = sorted(vaulted.home.blobs.iterdir())
        openbao.seal()
        try:
            refused = upload(http, headers={"Idempotency-Key": "one"})
            problem(refused, 503, "key-store-sealed")
            assert refused.headers["retry-after"]
            ready = http.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["parts"]["keys"]["ready"] is False
            assert "seal" in ready.json()["parts"]["keys"]["reason"]
            assert http.get(asset["links"]["self"]).status_code == 200
            assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted"
            assert metrics(vaulted)["sigillo_ready{part=keys}"] == 0
            assert (rows(vaulted, "SELECT id FROM entry"), sorted(vaulted.home.blobs.iterdir())) == (before, blobs)
        finally:
            openbao.unseal()
        assert upload(http, headers={"Idempotency-Key": "one"}).status_code == 201


def test_token_without_the_policy_is_forbidden(openbao: OpenBao, tmp_path: Path) -> None:
    openbao.bootstrap()
    with (
        running(tmp_path, keys="vault", vault_url=openbao.url, vault_token="no-such-token") as up,
        up.http() as http,
    ):
        assert http.get("/healthz").status_code == 200
        answer = http.get("/readyz").json()
        assert answer["parts"]["keys"]["ready"] is False
        assert "no-such-token" not in str(answer)
        holder = up.home.holder()
        assert holder is not None
        with up.http(holder.token) as operator:
            problem(upload(operator), 503, "key-store-forbidden")
        problem(http.get("/ledger/checkpoint"), 503, "ledger-unproven")
