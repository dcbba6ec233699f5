"""Who we are to Vault, and until when: a token taken, renewed, and taken again.

Rules
- A token is renewed when a share of its life is over (`RENEW_SHARE`, spread by `RENEW_SPREAD` so that many services do
  not ask at once), by the one thread that finds it due; the others go on with it while it lasts.
- Near the end of its longest life a renewal gives less and less: below half of what the login gave, we log in anew.
- Without a token that lasts, one thread logs in and the others wait for it, WAIT_SECONDS at most.
- A login or renewal that fails is not tried again for PAUSE_SECONDS: whoever asks meanwhile hears the same.
- Ends are reckoned from before the request, by our clock. If that clock is wrong, Vault's refusal tells: see `doubted`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, Self

from keys.clock import Clock, Entropy, fraction
from keys.errors import KeyStoreDownError, KeyStoreForbiddenError, KeyStoreUnavailableError
from keys.observer import Credential, Observer, Operation, observed
from keys.vault import Vault

RENEW_SHARE: Final = 0.5
RENEW_SPREAD: Final = 0.2
"""A token of an hour is renewed after 30 to 42 minutes."""

WAIT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 1.0

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Grant:
    """A token as Vault gave it."""

    token: str = field(repr=False)
    life: timedelta | None
    """None when it ends never, or when we may not know."""

    @classmethod
    def of(cls, auth: Mapping[str, Any]) -> Self:
        """From the `auth` member of Vault's answer."""
        return cls(auth["client_token"], timedelta(seconds=auth["lease_duration"]) or None)


class Identity(Protocol):
    """How we log in."""

    def login(self, vault: Vault) -> Grant:
        """A token, over a connection without one. Raises KeyStoreUnavailableError."""


@dataclass(frozen=True)
class PlainToken:
    """A token we were given: no better one can be had, but its life is known and can be renewed."""

    token: str = field(repr=False)

    def login(self, vault: Vault) -> Grant:
        """As `Identity.login`. One that Vault refuses to speak of is used as it stands."""
        try:
            answer = vault.speaking_as(self.token).read("auth/token/lookup-self") or {"data": {"ttl": 0}}
        except KeyStoreForbiddenError:
            return Grant(self.token, None)
        return Grant(self.token, timedelta(seconds=answer["data"]["ttl"]) or None)


@dataclass(frozen=True)
class Lease:
    """A token in use."""

    vault: Vault = field(repr=False)
    """Speaks with it."""

    grant: Grant
    full: timedelta | None
    """Its life when we logged in."""

    due: datetime
    """When to renew."""

    ends: datetime


class Login:
    """The one token of all threads. `timer` counts seconds, from anywhere."""

    def __init__(
        self,
        vault: Vault,
        identity: Identity,
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault, self._identity = vault, identity
        self._clock, self._entropy, self._observer, self._timer = clock, entropy, observer, timer
        self._one = threading.Lock()
        # Below: written under the lock; the lease is replaced whole, so that it may be read without.
        self._lease: Lease | None = None
        self._refusal: KeyStoreUnavailableError | None = None
        self._refused_until = self._checked_until = timer()

    def lease(self) -> Lease:
        """The token to use now. Raises KeyStoreUnavailableError."""
        lease, now = self._lease, self._clock()
        if lease is not None and now < lease.due:
            return lease
        lasting = lease if lease is not None and now < lease.ends else None
        with self._turn(0 if lasting else WAIT_SECONDS) as ours:
            if not ours and lasting:
                return lasting
            if not ours:
                raise KeyStoreDownError(f"Vault at {self._vault.url} lets us wait for a login: look at its load")
            if self._lease is None or self._lease is lease:
                self._lease = self._refreshed(lease, lasting)
            return self._lease

    def doubted(self, lease: Lease) -> Lease:
        """The token to use after Vault refused this one: the same one if it still holds, as with a forbidden path.

        Raises KeyStoreUnavailableError.
        """
        with self._turn(WAIT_SECONDS) as ours:
            newest = self._lease or lease
            if not ours or newest.grant.token != lease.grant.token or self._timer() < self._checked_until:
                return newest
            self._checked_until = self._timer() + PAUSE_SECONDS
            self._lease = self._refreshed(newest, None)
            return self._lease

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[bool]:
        """Whether it is ours to log in, after waiting at most so long."""
        ours = self._one.acquire(timeout=seconds)
        try:
            yield ours
        finally:
            if ours:
                self._one.release()

    def _refreshed(self, lease: Lease | None, lasting: Lease | None) -> Lease:
        """Renewed, or else from a new login; failing both, what still lasts."""
        if self._refusal is not None and self._timer() < self._refused_until:
            raise type(self._refusal)(*self._refusal.args)
        now = self._clock()
        try:
            with observed(self._observer, Operation.LOGIN, self._timer):
                fresh = self._renewed(lease, now) or self._taken(now)
        except KeyStoreUnavailableError as error:
            if lasting is not None:
                return replace(lasting, due=now + timedelta(seconds=PAUSE_SECONDS))
            self._refusal, self._refused_until = error, self._timer() + PAUSE_SECONDS
            raise
        self._refusal = None
        self._observer.ends(Credential.TOKEN, None if fresh.ends is _NEVER else fresh.ends)
        return fresh

    def _renewed(self, lease: Lease | None, now: datetime) -> Lease | None:
        if lease is None or lease.full is None:
            return None
        try:
            grant = Grant.of(lease.vault.write("auth/token/renew-self", {})["auth"])
        except KeyStoreUnavailableError:
            return None  # ended, revoked, not to be renewed, or (a 500 then) past its longest life: the login decides
        if grant.life is not None and grant.life < lease.full / 2:
            return None
        return self._of(grant, lease.full, now)

    def _taken(self, now: datetime) -> Lease:
        grant = self._identity.login(self._vault)
        return self._of(grant, grant.life, now)

    def _of(self, grant: Grant, full: timedelta | None, now: datetime) -> Lease:
        vault = self._vault.speaking_as(grant.token)
        if grant.life is None:
            return Lease(vault, grant, full, _NEVER, _NEVER)
        share = RENEW_SHARE + RENEW_SPREAD * fraction(self._entropy)
        return Lease(vault, grant, full, now + share * grant.life, now + grant.life)
