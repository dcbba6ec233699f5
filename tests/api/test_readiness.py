from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.running.readiness import READINESS_SECONDS, Readiness
from keys.local import LocalKeyStore
from keys.signer import KeyStoreStatus
from ledger.errors import DatabaseUnavailableError
from tests.api.wire import PATIENCE
from tests.deployment import Running


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def readiness(up: Running, timer: Timer) -> Readiness:
    service = up.service
    return Readiness(
        service.keys,
        service.ledger,
        service.housekeeping,
        service.rewrapping,
        service.revocations,
        service.trust_lists,
        service.issuance.record,
        (service.strangers.verification.workers,),
        service.registry.faces,
        service.recovery.search.index,
        timer=timer,
    )


def counted(monkeypatch: pytest.MonkeyPatch) -> list[KeyStoreStatus]:
    """What key stores say from now on."""
    said: list[KeyStoreStatus] = []
    status = LocalKeyStore.status

    def counting(store: LocalKeyStore) -> KeyStoreStatus:
        said.append(status(store))
        return said[-1]

    monkeypatch.setattr(LocalKeyStore, "status", counting)
    return said


def test_key_store_is_asked_once_a_second(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    timer, said = Timer(), counted(monkeypatch)
    asked = readiness(deployment, timer)
    for _ in range(3):
        assert asyncio.run(asked.parts())["keys"] == {"ready": True, "reason": "", "warning": ""}
    timer.now = READINESS_SECONDS - 0.01
    asyncio.run(asked.parts())
    assert len(said) == 1
    timer.now = READINESS_SECONDS
    asyncio.run(asked.parts())
    assert len(said) == 2


def test_both_pages_give_the_same_answer(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    said = counted(monkeypatch)
    monkeypatch.setattr(own.service.readiness, "_timer", Timer())
    with own.http() as http:
        for page in ("/readyz", "/metrics", "/readyz", "/metrics"):
            assert http.get(page).status_code == 200
    assert len(said) == 1


def test_those_who_ask_at_once_wait_for_one_answer(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key store that is slow to answer is asked by one, and holds no thread of the others."""
    release, said, status = threading.Event(), list[KeyStoreStatus](), LocalKeyStore.status

    def slow(store: LocalKeyStore) -> KeyStoreStatus:
        assert release.wait(PATIENCE)
        said.append(status(store))
        return said[-1]

    monkeypatch.setattr(own.service.readiness, "_timer", Timer())
    monkeypatch.setattr(LocalKeyStore, "status", slow)
    with own.http() as http, ThreadPoolExecutor(60) as pool:
        asking = [pool.submit(http.get, "/readyz") for _ in range(60)]
        try:
            assert http.get("/v1/trust/anchors.pem", timeout=10).status_code == 200
        finally:
            release.set()
        assert {answer.result().status_code for answer in asking} == {200}
    assert len(said) == 1


def test_a_key_of_the_issuers_that_signs_nothing_is_told(own: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready all the same: the rest of the service goes on, and whoever runs it sees what to do."""
    timer, record = Timer(), own.service.issuance.record
    asked = readiness(own, timer)

    def told() -> str:
        timer.now += READINESS_SECONDS
        part = asyncio.run(asked.parts())["issuer"]
        assert part["ready"]
        return part["warning"]

    assert told() == "", "nothing was begun"
    p256 = next(str(ref) for ref in record.newest().signing if "p256" in str(ref))
    assert told() == ""
    record.revoke(own.service.ledger.system_principal(record.home()), p256, "keyCompromise")
    assert p256 in told()
    assert "rotate --issuer" in told()

    def unreachable() -> str:
        raise DatabaseUnavailableError("the disk is full")

    monkeypatch.setattr(record, "fault", unreachable)
    assert "the disk is full" in told()
