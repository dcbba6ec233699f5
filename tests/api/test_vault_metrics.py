from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.running.vault_metrics import VaultMetrics
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, WrappingTokenError
from keys.observer import Credential, Operation
from tests.deployment import running
from tests.ledger.world import HeldClock


class Bench:
    def __init__(self) -> None:
        self.registry, self.clock = CollectorRegistry(), HeldClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.metrics = VaultMetrics(self.registry, self.clock)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sigillo_vault_{name}", labels)


def test_latency_and_errors_by_operation_and_kind() -> None:
    bench = Bench()
    bench.metrics.asked(Operation.SIGN, 0.003, None)
    bench.metrics.asked(Operation.SIGN, 3.0, KeyStoreDownError("sigillo/epochs/keys/ten_secret"))
    assert bench.value("seconds_count", operation="sign") == 2
    assert bench.value("seconds_bucket", operation="sign", le="0.005") == 1
    assert bench.value("errors_total", operation="sign", kind="down") == 1


def test_the_breaker_and_the_time_left() -> None:
    bench = Bench()
    bench.metrics.breaker(is_open=True)
    assert bench.value("breaker_open") == 1
    bench.metrics.breaker(is_open=False)
    assert bench.value("breaker_open") == 0
    bench.metrics.ends(Credential.TOKEN, bench.clock() + timedelta(hours=1))
    assert bench.value("credential_seconds", credential="token") == 3600
    bench.clock.move(timedelta(minutes=20))
    assert bench.value("credential_seconds", credential="token") == 2400
    bench.metrics.ends(Credential.TOKEN, None)
    unknown = bench.value("credential_seconds", credential="token")
    assert unknown is not None
    assert isnan(unknown)


def test_a_login_that_fails_is_logged_once_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    bench, alarm = Bench(), WrappingTokenError("ALARM: somebody else")
    with caplog.at_level("ERROR", "sigillo"):
        for failure in (alarm, alarm, KeyStoreForbiddenError("used up"), None, alarm):
            bench.metrics.asked(Operation.LOGIN, 0.1, failure)
        bench.metrics.asked(Operation.SIGN, 0.1, KeyStoreForbiddenError("a path"))
    told = [record.getMessage() for record in caplog.records]
    assert ["ALARM" in line for line in told] == [True, False, True]


def test_vault_without_tls_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level("WARNING", "sigillo"),
        running(tmp_path, keys="vault", vault_url="http://vault.invalid:1", vault_token="x"),
    ):
        pass
    assert any("without TLS" in record.getMessage() for record in caplog.records)
