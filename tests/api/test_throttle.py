from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.throttle import RateExceededError, Throttle, client_address, network_of
from keys.clock import system_entropy
from tests.api.wire import problem
from tests.deployment import running
from tests.ledger.world import HeldClock
from tests.serving import on_the_network
from tests.waiting import until

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@given(st.ip_addresses(v=4))
def test_ipv4_is_known_by_its_24(address: IPv4Address) -> None:
    assert str(network_of(address)) == ".".join([*str(address).split(".")[:3], "0/24"])


@given(st.integers(1 << 64, (1 << 128) - 1).map(IPv6Address))
def test_ipv6_is_known_by_its_48(address: IPv6Address) -> None:
    network = network_of(address)
    assert (network.prefixlen, int(network.network_address)) == (48, int(address) >> 80 << 80)


def test_mapped_address_counts_as_ipv4() -> None:
    assert network_of(ip_address("::ffff:192.0.2.77")) == ip_network("192.0.2.0/24")


def test_link_local_address_with_scope_has_a_network() -> None:
    assert network_of(ip_address("fe80::1%eth0")) == ip_network("fe80::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # a stranger's header is not believed
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),  # what the client itself prepended is not
        ("10.0.0.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("", "203.0.113.9", None),
    ],
)
def test_caller_is_the_last_hop_that_is_no_proxy(peer: str, forwarded: str, caller: str | None) -> None:
    assert client_address(peer, forwarded, PROXIES) == (caller and ip_address(caller))


@given(st.text(max_size=60))
def test_no_header_moves_a_caller_who_is_no_proxy(forwarded: str) -> None:
    assert client_address("192.0.2.1", forwarded, PROXIES) == ip_address("192.0.2.1")


def throttle(anonymous: str = "3/minute", per_key: str = "2/minute") -> tuple[Throttle, HeldClock]:
    clock = HeldClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    return Throttle(anonymous, "5/minute", per_key, "2/hour", clock, system_entropy), clock


def test_neighbours_share_a_limit_and_strangers_do_not() -> None:
    limit, _ = throttle()
    for last in (1, 2, 3):
        limit.anonymous(ip_address(f"192.0.2.{last}"))
    with pytest.raises(RateExceededError) as refused:
        limit.anonymous(ip_address("192.0.2.250"))
    assert refused.value.retry_after >= 1
    limit.anonymous(ip_address("192.0.3.1"))


def test_accounts_are_opened_at_a_rate_per_network() -> None:
    limit, _ = throttle()
    mine = limit.anonymous(ip_address("192.0.2.1"))
    for _ in range(2):
        limit.opening(mine)
    with pytest.raises(RateExceededError):
        limit.opening(limit.anonymous(ip_address("192.0.2.99")))
    limit.opening(limit.anonymous(ip_address("198.51.100.1")))
    limit.opening("")  # whoever comes through the socket has no network


def test_an_account_is_compared_so_often() -> None:
    limit, _ = throttle()
    for _ in range(20):
        limit.comparison("acc_1")
    with pytest.raises(RateExceededError):
        limit.comparison("acc_1")
    limit.comparison("acc_2")


def test_readers_of_the_log_are_counted_apart() -> None:
    limit, _ = throttle()
    for last in range(5):
        limit.reader(ip_address(f"192.0.2.{last}"))
    with pytest.raises(RateExceededError):
        limit.reader(ip_address("192.0.2.250"))
    limit.anonymous(ip_address("192.0.2.250"))
    limit.reader(None)


def test_bundles_are_counted_apart() -> None:
    limit, _ = throttle()
    for last in range(10):
        limit.bundle(ip_address(f"192.0.2.{last}"))
    with pytest.raises(RateExceededError):
        limit.bundle(ip_address("192.0.2.250"))
    limit.bundle(ip_address("198.51.100.1"))
    limit.reader(ip_address("192.0.2.250"))
    limit.bundle(None)


def test_each_principal_has_its_own() -> None:
    limit, _ = throttle()
    for _ in range(2):
        limit.principal("prn_a")
    with pytest.raises(RateExceededError):
        limit.principal("prn_a")
    limit.principal("prn_b")


def test_unix_socket_is_not_counted() -> None:
    limit, _ = throttle()
    for _ in range(10):
        limit.anonymous(None)


def test_no_address_is_kept_and_names_change_daily() -> None:
    limit, clock = throttle()
    held = limit._day.limiter.storage
    limit.anonymous(ip_address("192.0.2.1"))
    first = repr(vars(held))
    assert "192.0.2" not in first
    assert hashlib.sha256(b"192.0.2.0/24").hexdigest() not in first
    limit.anonymous(ip_address("192.0.2.1"))
    assert len(held.events) == 1  # type: ignore[attr-defined]  # the memory storage has them
    key = limit._day.key
    clock.move(timedelta(days=1))
    limit.forget()
    assert limit._day.key != key
    assert not limit._day.limiter.storage.events  # type: ignore[attr-defined]  # as above
    limit.anonymous(ip_address("192.0.2.1"))
    assert not {*held.events} & {*limit._day.limiter.storage.events}  # type: ignore[attr-defined]  # as above


def test_too_many_requests_are_a_problem_that_says_when(tmp_path: Path) -> None:
    with running(tmp_path, key_rate="2/hour") as up, up.http(up.key()) as http:
        answers = [http.get("/v1/assets/ast_x") for _ in range(2)]
        answers += [http.post("/v1/ledger/searches", json={"reason": "x", "model": "x"})]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        said = problem(answers[2], 429, "rate-exceeded")
        assert 1 <= said["retry_after"] <= 3600
        assert answers[2].headers["retry-after"] == str(said["retry_after"])


def test_bundles_are_counted_over_http(tmp_path: Path) -> None:
    with running(tmp_path) as up, on_the_network(up) as client, client() as stranger:
        until(lambda: stranger.get("/ledger/checkpoint").status_code == 200)
        answers = [stranger.get("/ledger/bundle.zip", params={"first": 1, "last": 0}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [422] * 10 + [429]
        assert stranger.get("/ledger/log.vkey").status_code == 200


def test_strangers_are_counted_over_http_and_callers_with_keys_are_not(tmp_path: Path) -> None:
    with (
        running(tmp_path, anonymous_rate="3/hour") as up,
        on_the_network(up) as client,
        client() as stranger,
        client("sgk_guessed") as guesser,
        client(up.key()) as caller,
    ):
        assert stranger.get("/v1/trust/anchors.pem").status_code == 200
        problem(guesser.get("/v1/assets/ast_none"), 401, "unknown-key")
        assert stranger.get("/v1/trust/anchors.pem").status_code == 200
        limited = stranger.post("/v1/verifications", files={"file": ("upload", b"x")})
        assert problem(limited, 429, "rate-exceeded")["retry_after"] > 0
        problem(guesser.get("/v1/assets/ast_none"), 429, "rate-exceeded")
        problem(stranger.get("/v1/ledger/entries"), 429, "rate-exceeded")
        assert caller.get("/v1/trust/anchors.pem").status_code == 200
