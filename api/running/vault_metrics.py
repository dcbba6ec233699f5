"""How Vault serves us, for Prometheus; and the log line when it no longer lets us in.

Labels are what was asked for and one word about what went wrong: never a path, which would name a tenant.
"""

from __future__ import annotations

from datetime import datetime
from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.running.log import logger
from keys.clock import Clock
from keys.errors import KeyStoreUnavailableError
from keys.observer import Credential, Operation

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; a signature takes a millisecond, and patience ends at ten seconds."""


class VaultMetrics:
    """Implements `keys.observer.Observer`."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock, self._log = clock, logger("keys")
        self._told = ""
        self.seconds = Histogram(
            "sigillo_vault_seconds", "Time until Vault answered", ["operation"], buckets=BUCKETS, registry=registry
        )
        self.errors = Counter(
            "sigillo_vault_errors_total",
            "Requests that Vault failed or refused",
            ["operation", "kind"],
            registry=registry,
        )
        self.is_open = Gauge(
            "sigillo_vault_breaker_open", "1 while Vault is left alone because it does not answer", registry=registry
        )
        self.seconds_left = Gauge(
            "sigillo_vault_credential_seconds",
            "Until the token or the secret-id ends; NaN when it never does, or nobody knows",
            ["credential"],
            registry=registry,
        )

    def asked(self, operation: Operation, seconds: float, failure: KeyStoreUnavailableError | None) -> None:
        """As `Observer.asked`."""
        self.seconds.labels(operation).observe(seconds)
        if failure is not None:
            self.errors.labels(operation, failure.kind).inc()
        if operation is Operation.LOGIN:
            self._tell("" if failure is None else str(failure))

    def breaker(self, *, is_open: bool) -> None:
        """As `Observer.breaker`."""
        self.is_open.set(is_open)
        self._log.warning("vault does not answer" if is_open else "vault answers again")

    def ends(self, credential: Credential, at: datetime | None) -> None:
        """As `Observer.ends`."""
        gauge = self.seconds_left.labels(credential)
        gauge.set_function(lambda: nan if at is None else (at - self._clock()).total_seconds())

    def _tell(self, reason: str) -> None:
        """Once for each reason: a login is tried again every second."""
        if reason and reason != self._told:
            self._log.error("vault does not let us in", reason=reason)
        self._told = reason
