"""What is too much to ask at once: rates per API key; and per network, for callers without one, for readers of the
log, and for accounts that people open.

An address is never kept. Anonymous callers are told apart by the HMAC of their /24 or /48 under a key that is
random, lives in memory alone and changes every day, when all counts begin anew (docs/privacy.md).
`X-Forwarded-For` is believed only from configured proxies, and only as far as the last hop that is not one.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from limits import parse
from limits.storage import MemoryStorage
from limits.storage.memory import Entry
from limits.strategies import MovingWindowRateLimiter

from keys.clock import Clock, Entropy
from ledger.span import in_words

GUESSES = "20/hour"
"""At secrets that cost us to look at (recovery codes), from one network."""

BUNDLES = "10/minute"
"""Audit bundles that are made for one network: up to a third of a second of a core each."""

V4_PREFIX = 24
V6_PREFIX = 48

_GUESSES, _BUNDLES = parse(GUESSES), parse(BUNDLES)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


COMPARISONS = "20/hour"
"""Pictures that are compared with one account's holder: a few tries, and no search."""


SEARCHES = "600/hour"
"""For what somebody's files or fingerprints lead to, from one network: to ask about what one sees, and no harvest."""

KEY_SEARCHES = "6000/hour"
"""The same of one API key."""

_SEARCHES = {False: parse(SEARCHES), True: parse(KEY_SEARCHES)}


class RateExceededError(Exception):
    """Too many requests; `retry_after` seconds from now there is room again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {in_words(retry_after)}")
        self.retry_after = retry_after


class ConnectionsBusyError(Exception):
    """More connections are open than this process has descriptors for."""

    def __init__(self) -> None:
        super().__init__("too many connections are open; connect again in a moment, and close those that rest")


def network_of(address: Address) -> Network:
    """The /24 or /48 an address lies in; an IPv4 address in IPv6 clothes counts as IPv4."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return ip_network(f"{plain}/{V4_PREFIX if plain.version == 4 else V6_PREFIX}", strict=False)


def client_address(peer: str, forwarded: str, proxies: Iterable[Network]) -> Address | None:
    """Who is calling: the peer, or the nearest hop before it that is not one of our proxies.

    None when the peer has no address (a Unix socket). A hop that is no address ends the walk before it.
    """
    known = tuple(proxies)
    nearest: Address | None = None
    for hop in [peer, *reversed(forwarded.split(","))]:
        try:
            nearest = ip_address(hop.strip())
        except ValueError:
            break
        if not any(nearest in network for network in known):
            break
    return nearest


class _Windows(MemoryStorage):
    """As the library's, but what is over is dropped whenever its name is counted: for that the library starts a thread
    up to a hundred times a second, which looks at every name. It was a tenth of what verifying a file costs the server.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counting = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether there is room for so many more; if so they are counted."""
        with self._counting:
            events, over = self.events.setdefault(key, []), time.time() - expiry
            while events and events[-1].atime < over:  # the newest come first
                events.pop()
            if len(events) + amount > limit:
                return False
            events[:0] = [Entry(expiry)] * amount
            return True


@dataclass(frozen=True)
class _Day:
    """What is known of callers for one day: `limits` itself never drops a name that it has counted."""

    date: date
    key: bytes = field(repr=False)
    limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(_Windows()))


class Throttle:
    """Moving windows in memory, one per caller."""

    def __init__(self, anonymous: str, reader: str, per_key: str, opening: str, clock: Clock, entropy: Entropy) -> None:
        self._anonymous, self._reader, self._per_key = parse(anonymous), parse(reader), parse(per_key)
        self._opening, self._comparing = parse(opening), parse(COMPARISONS)
        self._clock, self._entropy = clock, entropy
        self._day = _Day(clock().date(), entropy(32))

    def anonymous(self, address: Address | None) -> str:
        """Count one request of a caller without a key; the name it is counted under, empty for one without an address.

        Raises RateExceededError.
        """
        if address is None:
            return ""
        name = f"net:{self._name(address)}"
        self._count(self._anonymous, name)
        return name

    def guess(self, address: Address | None) -> None:
        """Count one guess at a secret. Raises RateExceededError."""
        if address is not None:
            self._count(_GUESSES, f"guess:{self._name(address)}")

    def reader(self, address: Address | None) -> None:
        """Count one file of the published log. Raises RateExceededError."""
        if address is not None:
            self._count(self._reader, f"log:{self._name(address)}")

    def bundle(self, address: Address | None) -> None:
        """Count one audit bundle that is made. Raises RateExceededError."""
        if address is not None:
            self._count(_BUNDLES, f"bundle:{self._name(address)}")

    def opening(self, network: str) -> None:
        """Count one account that somebody of this network (`anonymous` named it) begins to open.

        Raises RateExceededError.
        """
        if network:
            self._count(self._opening, f"open:{network}")

    def search(self, name: str, *, known: bool) -> None:
        """Count one search of this principal, or of this network (`anonymous` named it). Raises RateExceededError."""
        if name:
            self._count(_SEARCHES[known], f"search:{name}")

    def comparison(self, account: str) -> None:
        """Count one picture that is compared with the holder of this account. Raises RateExceededError."""
        self._count(self._comparing, f"compare:{account}")

    def principal(self, principal: str) -> None:
        """Count one request of a principal. Raises RateExceededError."""
        self.forget()
        self._count(self._per_key, f"key:{principal}")

    def forget(self) -> None:
        """Drop what is known of the days before; whoever runs a service does so every few seconds."""
        today = self._clock().date()
        if self._day.date != today:
            self._day = _Day(today, self._entropy(32))

    def _name(self, address: Address) -> str:
        self.forget()
        return hmac.new(self._day.key, str(network_of(address)).encode(), hashlib.sha256).hexdigest()

    def _count(self, limit: object, name: str) -> None:
        limiter = self._day.limiter
        if not limiter.hit(limit, name):  # type: ignore[arg-type]  # parse() is typed by its base
            reset = limiter.get_window_stats(limit, name).reset_time  # type: ignore[arg-type]
            raise RateExceededError(max(1, round(reset - self._clock().timestamp())))
