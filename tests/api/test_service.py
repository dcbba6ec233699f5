from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from api.edge.upload import FORM_BYTES
from api.parts.pools import SPARE_THREADS, THREADS_PER_WORKER
from cases.intake import Intake
from cases.verification import Verification
from detection.sandbox import Sandbox
from keys.local import LocalKeyStore
from tests.api.wire import PATIENCE, upload
from tests.deployment import Running, picture
from tests.waiting import until

CROWD = 60
"""More than the threads that everything else shares."""


def test_strangers_files_never_meet_a_worker_that_signs(deployment: Running) -> None:
    service = deployment.service
    pools = (service.strangers.verification.workers, service.callers.verification.workers, service.intake.workers)
    strangers, *with_keys = (pool.of("somebody").sandbox for pool in pools)
    assert strangers not in with_keys


def test_a_crowd_of_strangers_does_not_keep_callers_waiting(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every worker and thread that strangers have is busy, and more of them wait."""
    strangers = own.service.strangers.verification.workers.of("somebody").sandbox
    file, token = picture(), own.key()
    limits = httpx.Limits(max_connections=None)
    transport = httpx.HTTPTransport(uds=str(own.socket), limits=limits)
    with (
        httpx.Client(transport=transport, base_url="http://sigillo", timeout=2 * PATIENCE) as crowd,
        own.http(token) as http,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        with held_up(monkeypatch, Sandbox, "run", only=strangers) as begun:
            waiting = [pool.submit(upload, crowd, file, path="/v1/verifications") for _ in range(CROWD)]
            until(lambda: own.service.strangers.uploads.held == CROWD * (FORM_BYTES + len(file)))
            assert upload(http, file, path="/v1/verifications").status_code == 200
            assert upload(http, file).status_code == 201
            assert begun
        assert {answer.result().status_code for answer in waiting} == {200}


def test_operator_token_does_not_show(deployment: Running) -> None:
    assert deployment.service.operator_token not in repr(deployment.service)


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch, kind: type, method: str, only: object = None) -> Iterator[list[str]]:
    """Calls of the method begin, and end only after the block; the list has one name for each that began."""
    release, begun, real = threading.Event(), list[str](), getattr(kind, method)

    def waiting(*arguments: Any, **named: Any) -> Any:
        if only is not None and only is not arguments[0]:
            return real(*arguments, **named)
        begun.append(method)
        assert release.wait(2 * PATIENCE)
        return real(*arguments, **named)

    monkeypatch.setattr(kind, method, waiting)
    try:
        yield begun
    finally:
        release.set()


@pytest.mark.parametrize(
    ("kind", "method", "slow", "other"),
    [(Verification, "verify", "/v1/verifications", "/v1/assets"), (Intake, "take", "/v1/assets", "/v1/verifications")],
)
def test_slow_files_hold_up_only_their_own_kind(
    own: Running, monkeypatch: pytest.MonkeyPatch, kind: type, method: str, slow: str, other: str
) -> None:
    file, token = picture(), own.key()
    threads = THREADS_PER_WORKER * own.service.settings.workers + SPARE_THREADS
    limits = httpx.Limits(max_connections=None)
    transport = httpx.HTTPTransport(uds=str(own.socket), limits=limits)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(transport=transport, base_url="http://sigillo", headers=headers, timeout=2 * PATIENCE) as crowd,
        own.http(token) as http,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        with held_up(monkeypatch, kind, method) as begun:
            waiting = [pool.submit(upload, crowd, file, path=slow) for _ in range(CROWD)]
            until(lambda: own.service.callers.uploads.held == CROWD * (FORM_BYTES + len(file)))
            for path in ("/healthz", "/readyz", "/metrics", "/v1/trust/anchors.pem"):
                assert http.get(path, timeout=10).status_code == 200
            assert upload(http, file, path=other).is_success
            assert len(begun) == threads
        assert all(answer.result().is_success for answer in waiting)
    assert len(begun) == CROWD
    assert own.service.callers.uploads.held == 0


def test_alive_is_told_when_every_thread_is_busy(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with own.http() as http, ThreadPoolExecutor(CROWD) as pool:
        with held_up(monkeypatch, LocalKeyStore, "anchors") as begun:
            waiting = [pool.submit(http.get, "/v1/trust/anchors.pem") for _ in range(CROWD)]
            until(lambda: len(begun) >= 40)
            assert http.get("/healthz", timeout=10).status_code == 200
        assert all(answer.result().is_success for answer in waiting)
