"""A real OpenBao with a bad day: its tokens end, the network is slow, it is sealed, it is restarted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest

from keys import steady_vault
from keys.approle import AppRole
from keys.breaker import FAILURES, OPEN_SECONDS
from keys.errors import (
    KeyNotFoundError,
    KeyStoreDownError,
    KeyStoreForbiddenError,
    KeyStoreSealedError,
    KeyStoreUnavailableError,
    WrappingTokenError,
)
from keys.observer import Operation
from keys.signer import Purpose
from keys.steady_vault import ANSWER_SECONDS, ATTEMPTS, PATIENCE_SECONDS, SteadyVault
from keys.vault import Vault
from keys.vault_login import Grant, PlainToken
from keys.vault_store import EPOCHS_MOUNT, VaultKeyStore
from tests.keys.conftest import Role, Watched
from tests.keys.test_breaker import Timer
from tests.keys.test_key_store import verify
from tests.simulators.proxy import Proxy

CLAIM = b"claim"
STUCK_SECONDS = 30
"""How long a test waits before it calls something stuck; never a measurement."""


def steady(role: Role, watched: Watched, url: str = "") -> SteadyVault:
    return SteadyVault(url or role.openbao.url, role.identity(role.wrapped()), observer=watched)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STUCK_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


class Traffic:
    """Threads that sign without end, and what became of it."""

    def __init__(self, store: VaultKeyStore, threads: int = 4) -> None:
        self._store, self._threads = store, threads
        self._stop = threading.Event()
        self.signed, self.failed = list[bytes](), list[KeyStoreUnavailableError]()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._threads)
        self._running = [self._pool.submit(self._run) for _ in range(self._threads)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for thread in self._running:
            thread.result()  # an error that is none of ours ends the test

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            try:
                self.signed.append(self._store.signer(Purpose.CLAIM).sign(CLAIM))
            except KeyStoreUnavailableError as error:
                self.failed.append(error)

    def more(self) -> None:
        """Wait until it went well once more."""
        before = len(self.signed)
        until(lambda: len(self.signed) > before)


def test_tokens_end_under_traffic_and_no_request_fails(role: Role, watched: Watched) -> None:
    # Renewed after a second, and worn out after four: some of each within the time of the test.
    role.tune(token_ttl=2, token_max_ttl=4)
    store = VaultKeyStore(steady(role, watched))
    tokens, vault = set[str](), store._vault
    assert isinstance(vault, SteadyVault)
    with Traffic(store) as traffic:
        while len(tokens) < 3:
            traffic.more()
            tokens.add(vault._login.lease().grant.token)
    assert traffic.failed == []
    assert watched.heard.count((Operation.LOGIN, "")) > len(tokens), "nothing was renewed"
    assert (Operation.LOGIN, "down") not in watched.heard
    verify(store.signer(Purpose.CLAIM), traffic.signed[-1], CLAIM)


def test_a_revoked_token_costs_no_request(role: Role, watched: Watched) -> None:
    store = VaultKeyStore(steady(role, watched))
    vault = store._vault
    assert isinstance(vault, SteadyVault)
    with Traffic(store) as traffic:
        traffic.more()
        role.openbao.vault().write("auth/token/revoke", {"token": vault._login.lease().grant.token})
        until(lambda: (Operation.SIGN, "forbidden") in watched.heard)
        traffic.more()
    assert traffic.failed == []


def test_a_spent_wrapping_token_keeps_the_store_shut_and_says_so(role: Role, watched: Watched) -> None:
    stolen = role.wrapped()
    role.openbao.vault().speaking_as(stolen).write("sys/wrapping/unwrap", {})
    store = VaultKeyStore(SteadyVault(role.openbao.url, role.identity(stolen), observer=watched))
    with pytest.raises(WrappingTokenError, match="ALARM"):
        store.signer(Purpose.CLAIM)
    assert watched.heard == [(Operation.LOGIN, "wrapping")]
    status = store.status()
    assert (status.ready, "ALARM" in status.reason) == (False, True)


def test_a_new_secret_id_is_taken_without_a_restart(role: Role, watched: Watched) -> None:
    offered = [role.wrapped(num_uses=1)]
    timer = Timer()
    identity = AppRole(role.role_id, lambda: offered[-1], role.folder / "secret-id")
    vault = SteadyVault(role.openbao.url, identity, timer=timer, observer=watched)
    signer = VaultKeyStore(vault).signer(Purpose.CLAIM)
    role.openbao.vault().write("auth/token/revoke", {"token": vault._login.lease().grant.token})
    with pytest.raises(KeyStoreForbiddenError, match="used up"):
        signer.sign(CLAIM)
    offered.append(role.wrapped())
    timer.now += 5
    verify(signer, signer.sign(CLAIM), CLAIM)


def test_a_forbidden_path_is_told_at_once_and_not_asked_again(role: Role, watched: Watched) -> None:
    vault = steady(role, watched)
    for _ in range(3):
        with pytest.raises(KeyStoreForbiddenError, match="policy"):
            vault.read("sys/mounts")
    asked = [operation for operation, _ in watched.heard]
    assert asked == [Operation.LOGIN, Operation.READ, Operation.LOGIN, Operation.READ, Operation.READ]
    assert watched.breakers == []


def test_sealed_is_told_at_once_not_asked_again_and_over_when_unsealed(own_role: Role, watched: Watched) -> None:
    store = VaultKeyStore(steady(own_role, watched))
    signer = store.signer(Purpose.CLAIM)
    watched.heard.clear()
    own_role.openbao.seal()
    try:
        for _ in range(FAILURES + 1):
            with pytest.raises(KeyStoreSealedError):
                signer.sign(CLAIM)
        assert watched.heard == [(Operation.SIGN, "sealed")] * (FAILURES + 1)
        assert not store.status().ready
    finally:
        own_role.openbao.unseal()
    verify(signer, signer.sign(CLAIM), CLAIM)
    assert store.status().ready
    assert watched.breakers == []


def test_a_restart_in_mid_traffic_is_over_by_itself(own_role: Role, watched: Watched) -> None:
    store = VaultKeyStore(steady(own_role, watched))
    with Traffic(store) as traffic:
        traffic.more()
        own_role.openbao.kill()
        try:
            until(lambda: watched.breakers == [True])
            assert not store.status().ready
        finally:
            own_role.openbao.start()
        traffic.more()
        until(lambda: watched.breakers == [True, False])
    assert traffic.failed
    assert {type(error) for error in traffic.failed} <= {KeyStoreDownError, KeyStoreSealedError}
    assert store.status().ready
    signer = store.signer(Purpose.CLAIM)
    for signature in traffic.signed:
        verify(signer, signature, CLAIM)


@pytest.fixture
def proxy(own_role: Role) -> Iterator[Proxy]:
    with Proxy(own_role.openbao.url) as between:
        yield between


def test_slow_answers_are_waited_for(own_role: Role, proxy: Proxy, watched: Watched) -> None:
    signer = VaultKeyStore(steady(own_role, watched, proxy.url)).signer(Purpose.CLAIM)
    proxy.delay = 0.3
    verify(signer, signer.sign(CLAIM), CLAIM)
    assert watched.heard[-1] == (Operation.SIGN, "")


def test_a_lost_answer_to_a_signature_is_asked_again(
    own_role: Role, proxy: Proxy, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_vault, "ANSWER_SECONDS", 1)
    signer = VaultKeyStore(steady(own_role, watched, proxy.url)).signer(Purpose.CLAIM)
    proxy.swallow = 1
    verify(signer, signer.sign(CLAIM), CLAIM)
    assert watched.heard[-2:] == [(Operation.SIGN, "down"), (Operation.SIGN, "")]


def test_a_lost_answer_to_a_change_is_not(
    own_role: Role, proxy: Proxy, watched: Watched, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_vault, "ANSWER_SECONDS", 1)
    vault = steady(own_role, watched, proxy.url)
    store = VaultKeyStore(vault)
    store.advance_epoch(tenant)
    proxy.swallow = 1
    with pytest.raises(KeyStoreDownError):
        vault.write(f"{EPOCHS_MOUNT}/keys/{tenant}/rotate", {})
    key = vault.read(f"{EPOCHS_MOUNT}/keys/{tenant}")
    assert key is not None
    assert key["data"]["latest_version"] == 2, "it was carried out once, and its answer lost"


def test_nobody_asks_while_the_breaker_is_open(
    own_role: Role, proxy: Proxy, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_vault, "ANSWER_SECONDS", 1)
    timer = Timer()
    identity = own_role.identity(own_role.wrapped())
    vault = SteadyVault(proxy.url, identity, observer=watched, timer=timer, pause=lambda _: None)
    signer = VaultKeyStore(vault).signer(Purpose.CLAIM)
    proxy.swallow = 1000
    with ThreadPoolExecutor(FAILURES) as pool:
        for done in [pool.submit(signer.sign, CLAIM) for _ in range(FAILURES)]:
            with pytest.raises(KeyStoreDownError):
                done.result()
    assert watched.breakers == [True]
    proxy.swallow, reached = 0, proxy.requests
    for _ in range(20):
        with pytest.raises(KeyStoreDownError, match="asked again"):
            signer.sign(CLAIM)
    assert proxy.requests == reached
    timer.now += OPEN_SECONDS
    verify(signer, signer.sign(CLAIM), CLAIM)
    assert watched.breakers == [True, False]


@pytest.mark.parametrize(("seconds", "attempts"), [(0.0, ATTEMPTS), (ANSWER_SECONDS, ATTEMPTS), (6.9, 2), (7.1, 1)])
def test_attempts_are_few_and_end_in_time(seconds: float, attempts: int, watched: Watched) -> None:
    timer, pauses = Timer(), list[float]()

    class Slow:
        def login(self, vault: Vault) -> Grant:
            timer.now += seconds
            raise KeyStoreDownError("silence")

    vault = SteadyVault("http://127.0.0.1:1", Slow(), observer=watched, timer=timer, pause=pauses.append)
    with pytest.raises(KeyStoreDownError, match="silence"):
        vault.read("sys/mounts")
    assert len(pauses) + 1 == attempts
    assert sorted(pauses) == pauses
    assert timer.now + sum(pauses) <= PATIENCE_SECONDS


def test_talks_to_nobody_before_it_is_asked() -> None:
    SteadyVault("http://127.0.0.1:1", PlainToken("x"))


def test_a_missing_key_is_no_outage(role: Role, watched: Watched, tenant: str) -> None:
    store = VaultKeyStore(steady(role, watched))
    with pytest.raises(KeyNotFoundError):
        store.destroy_epochs(tenant, before=1)
    assert {kind for _, kind in watched.heard} == {""}


def test_each_operation_is_counted_as_what_it_is(role: Role, watched: Watched, tenant: str) -> None:
    store = VaultKeyStore(steady(role, watched))
    store.signer(Purpose.LOG).sign(CLAIM)
    store.advance_epoch(tenant)
    store.open_epoch(tenant, store.open_epoch(tenant).wrapped)
    assert [operation for operation, _ in watched.heard] == [
        *(Operation.LOGIN, Operation.READ, Operation.SIGN),
        *(Operation.READ, Operation.EPOCH, Operation.READ),
        *(Operation.EPOCH, Operation.EPOCH),
    ]
