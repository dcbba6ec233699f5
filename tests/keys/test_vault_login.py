from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from keys import vault_login
from keys.clock import Entropy, system_entropy
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, KeyStoreSealedError
from keys.observer import Credential, Operation
from keys.openbao import OpenBao
from keys.vault import Vault
from keys.vault_login import PAUSE_SECONDS, RENEW_SHARE, RENEW_SPREAD, Grant, Identity, Lease, Login, PlainToken
from tests.keys.conftest import MovingClock, Role, Watched
from tests.keys.test_breaker import Timer

LIFE = timedelta(minutes=10)
LOGIN = (Operation.LOGIN, "")


class Counted:
    """An identity that counts how often it logs in."""

    def __init__(self, identity: Identity) -> None:
        self._identity, self.logins = identity, 0

    def login(self, vault: Vault) -> Grant:
        self.logins += 1
        return self._identity.login(vault)


class Bench:
    """A login at a real OpenBao, with time in our hands."""

    def __init__(self, url: str, identity: Identity, entropy: Entropy = system_entropy) -> None:
        self.clock, self.timer, self.watched = MovingClock(), Timer(), Watched()
        self.identity = Counted(identity)
        self.login = Login(Vault(url), self.identity, self.clock, entropy, self.watched, self.timer)

    def holds(self, lease: Lease) -> bool:
        return lease.vault.read("auth/token/lookup-self") is not None


@pytest.fixture
def bench(role: Role) -> Bench:
    role.tune(token_ttl=int(LIFE.total_seconds()))
    return Bench(role.openbao.url, role.identity(role.wrapped()))


@pytest.mark.parametrize(("byte", "share"), [(0, RENEW_SHARE), (255, RENEW_SHARE + RENEW_SPREAD)])
def test_renewed_at_a_share_of_its_life_spread_at_random(role: Role, byte: int, share: float) -> None:
    role.tune(token_ttl=int(LIFE.total_seconds()))
    bench = Bench(role.openbao.url, role.identity(role.wrapped()), lambda count: bytes([byte]) * count)
    first, second = bench.login.lease(), timedelta(seconds=1)
    bench.clock.move(share * LIFE - second)
    assert bench.login.lease() is first
    assert bench.watched.heard == [LOGIN]
    bench.clock.move(second)
    renewed = bench.login.lease()
    assert (renewed.grant.token, renewed.grant.life) == (first.grant.token, LIFE)
    assert (bench.identity.logins, bench.watched.heard) == (1, [LOGIN] * 2)
    assert bench.watched.ended[Credential.TOKEN] == bench.clock() + LIFE


def test_near_the_end_of_its_longest_life_we_log_in_anew(role: Role, bench: Bench) -> None:
    first = bench.login.lease()
    # Vault grants a renewal what the role gives now, as near the end of the longest life: less.
    role.tune(token_ttl=60)
    bench.clock.move(LIFE - timedelta(seconds=1))
    second = bench.login.lease()
    assert second.grant.token != first.grant.token
    assert bench.holds(second)
    assert bench.identity.logins == 2


def test_a_crowd_logs_in_once(bench: Bench) -> None:
    crowd = threading.Barrier(16)

    def lease() -> Lease:
        crowd.wait()
        return bench.login.lease()

    with ThreadPoolExecutor(16) as pool:
        leases = {id(done.result()) for done in [pool.submit(lease) for _ in range(16)]}
    assert (len(leases), bench.identity.logins) == (1, 1)


def test_while_one_renews_the_others_go_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.login.lease()
    monkeypatch.setattr(vault_login, "WAIT_SECONDS", 0.01)
    with bench.login._turn(0) as ours:
        assert ours
        bench.clock.move(LIFE - timedelta(seconds=1))
        with ThreadPoolExecutor(4) as pool:
            assert all(lease is first for lease in pool.map(lambda _: bench.login.lease(), range(4)))
            bench.clock.move(timedelta(seconds=1))
            with pytest.raises(KeyStoreDownError, match="login"):
                pool.submit(bench.login.lease).result()
    assert bench.login.lease().grant.token == first.grant.token


def test_a_failed_login_is_not_tried_at_every_request(role: Role) -> None:
    bench = Bench(role.openbao.url, role.identity(""))
    for _ in range(5):
        with pytest.raises(KeyStoreForbiddenError, match="no secret-id"):
            bench.login.lease()
    assert bench.identity.logins == 1
    bench.timer.now += PAUSE_SECONDS
    with pytest.raises(KeyStoreForbiddenError):
        bench.login.lease()
    assert bench.identity.logins == 2


def test_a_token_that_lasts_is_used_when_it_cannot_be_renewed(own_role: Role) -> None:
    own_role.tune(token_ttl=int(LIFE.total_seconds()))
    bench = Bench(own_role.openbao.url, own_role.identity(own_role.wrapped()))
    first = bench.login.lease()
    own_role.openbao.seal()
    try:
        bench.clock.move(LIFE - timedelta(seconds=2))
        assert bench.login.lease().grant.token == first.grant.token
        assert bench.watched.heard == [LOGIN, (Operation.LOGIN, "sealed")]
        assert bench.login.lease().grant.token == first.grant.token
        assert len(bench.watched.heard) == 2, "it was not to be tried again at once"
        bench.clock.move(timedelta(seconds=2))
        with pytest.raises(KeyStoreSealedError):
            bench.login.lease()
    finally:
        own_role.openbao.unseal()
    bench.timer.now += PAUSE_SECONDS
    assert bench.holds(bench.login.lease())


def revoke(openbao: OpenBao, lease: Lease) -> None:
    openbao.vault().write("auth/token/revoke", {"token": lease.grant.token})


def test_a_revoked_token_is_replaced(role: Role, bench: Bench) -> None:
    first = bench.login.lease()
    revoke(role.openbao, first)
    second = bench.login.doubted(first)
    assert second.grant.token != first.grant.token
    assert bench.holds(second)
    assert bench.login.lease() is second
    assert bench.login.doubted(first) is second
    assert bench.identity.logins == 2


def test_doubting_a_token_that_holds_keeps_it_and_asks_once_a_second(bench: Bench) -> None:
    first = bench.login.lease()
    for _ in range(5):
        assert bench.login.doubted(first).grant.token == first.grant.token
    assert (bench.identity.logins, len(bench.watched.heard)) == (1, 2)
    bench.timer.now += PAUSE_SECONDS
    bench.login.doubted(first)
    assert len(bench.watched.heard) == 3


def plain(openbao: OpenBao, **token: object) -> str:
    made = openbao.vault().write("auth/token/create", {"policies": ["sigillo-service"], **token})
    return str(made["auth"]["client_token"])


def test_a_plain_token_is_renewed(openbao: OpenBao, service_token: str) -> None:
    bench = Bench(openbao.url, PlainToken(plain(openbao, period="10m")))
    first = bench.login.lease()
    assert first.grant.life is not None
    bench.clock.move(timedelta(minutes=8))
    renewed = bench.login.lease()
    assert (renewed.grant, bench.identity.logins) == (Grant(first.grant.token, LIFE), 1)


@pytest.mark.parametrize(
    "token",
    [
        lambda bao: bao.root_token,
        lambda bao: "s.nonsense",
        lambda bao: plain(bao, policies=["nothing"], no_default_policy=True),
    ],
    ids=["root", "nonsense", "old policy"],
)
def test_a_token_whose_life_nobody_tells_is_used_as_it_stands(
    openbao: OpenBao, token: Callable[[OpenBao], str]
) -> None:
    given = token(openbao)
    bench = Bench(openbao.url, PlainToken(given))
    assert bench.login.lease().grant == Grant(given, None)
    bench.clock.move(timedelta(days=10_000))
    assert bench.login.lease().grant == Grant(given, None)
    assert bench.watched.ended[Credential.TOKEN] is None


def test_a_plain_token_that_cannot_be_renewed_is_used_to_its_end(openbao: OpenBao, service_token: str) -> None:
    bench = Bench(openbao.url, PlainToken(plain(openbao, renewable=False, ttl="10m")))
    first = bench.login.lease()
    bench.clock.move(timedelta(minutes=8))
    second = bench.login.lease()
    assert second.grant.token == first.grant.token
    assert bench.watched.ended[Credential.TOKEN] is not None


def test_nothing_shows_the_token(bench: Bench) -> None:
    lease = bench.login.lease()
    for shown in (repr(lease), repr(lease.grant), repr(PlainToken(lease.grant.token))):
        assert lease.grant.token not in shown
