"""What the service tells about itself: a request id and a log line each, counters and durations for Prometheus.

Labels are route templates and status codes, never paths or principals. An anonymous verification leaves a counter
and nothing else that could be tied to a file or a person.
"""

from __future__ import annotations

import time
from secrets import token_hex

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.throttle import network_of
from api.running.log import logger
from ledger.witnessing.witnesses import Witnesses

REQUEST_ID = "x-request-id"
UNLOGGED_ROUTES = frozenset(
    {"/v1/verifications", "/credentials/verify", "/credentials/derive", "/presentations/verify"}
)
"""An anonymous verification leaves a counter and no line, unless the fault is ours."""

SERVER_ERROR = 500


class Metrics:
    """The series of one service; its own registry, so that two services in one test do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "sigillo_requests_total",
            "Requests answered",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "sigillo_request_seconds", "Time to answer", ["route", "method"], registry=self.registry
        )
        self.verifications = Counter(
            "sigillo_verifications_total", "Files verified, by verdict", ["verdict"], registry=self.registry
        )
        self.judged = Counter(
            "sigillo_credential_verifications_total",
            "Credentials and presentations verified, by verdict",
            ["kind", "verdict"],
            registry=self.registry,
        )
        self.presentations = Counter(
            "sigillo_presentations_total", "Wallets' answers taken, by outcome", ["outcome"], registry=self.registry
        )
        self.signed = Counter(
            "sigillo_assets_signed_total",
            "Uploads answered with a signed asset, replays of an Idempotency-Key included",
            ["time_stamp"],
            registry=self.registry,
        )
        for said in ("yes", "no"):
            self.signed.labels(said)
        self.ready = Gauge("sigillo_ready", "1 when the part is ready", ["part"], registry=self.registry)
        self.log_size = Gauge("sigillo_log_entries", "Entries in the ledger", ["state"], registry=self.registry)
        self.leads = Gauge(
            "sigillo_leader",
            "Whether this process gives entries their place, and signs checkpoints",
            registry=self.registry,
        )
        self.certificate_seconds = Gauge(
            "sigillo_certificate_seconds",
            "Until the current claim certificate ends; NaN when nobody knows",
            registry=self.registry,
        )
        self.subjects_to_rewrap = Gauge(
            "sigillo_subjects_to_rewrap", "Subject keys that an ended epoch still wraps", registry=self.registry
        )
        self.oldest_epoch = Gauge(
            "sigillo_oldest_epoch_seconds", "Age of the oldest key epoch not destroyed", registry=self.registry
        )
        self.revocation = Gauge(
            "sigillo_revocation_seconds",
            "Until the last word on our certificate no longer lets us sign; +Inf where none is asked for",
            registry=self.registry,
        )
        self.stamp_size = Gauge("sigillo_stamp_size", "Entries under the last stamp", registry=self.registry)
        self.stamp_age = Gauge(
            "sigillo_stamp_age_seconds", "Age of the last stamp; NaN before the first", registry=self.registry
        )
        self.authority_failing = Gauge(
            "sigillo_time_stamp_authority_failing",
            "1 when its last answer would not do, or there was none",
            ["authority"],
            registry=self.registry,
        )

        self.witness_entries, self.witness_seconds, self.witness_well = (
            Gauge(f"sigillo_witness_{name}", text, ["witness"], registry=self.registry)
            for name, text in (
                ("entries", "Entries under the largest checkpoint that the witness cosigned"),
                ("seconds", "Since it cosigned last, by its own clock; NaN for never"),
                ("well", "1 when it did what it was asked last; -1 while it objects to this log"),
            )
        )

    def measure_witnesses(self, witnesses: Witnesses) -> None:
        """Bring the gauges of witnesses up to date."""
        for one in witnesses.standings():
            self.witness_entries.labels(one.key.name).set(one.size)
            self.witness_seconds.labels(one.key.name).set(witnesses.age(one))
            self.witness_well.labels(one.key.name).set(-1 if one.objection is not None else not one.error)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


class Telemetry:
    """ASGI middleware: id, log line, metrics. Unhandled errors pass through and count as 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._log = logger("request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started, status = f"req_{token_hex(10)}", time.perf_counter(), 500
        scope["sigillo.request_id"] = request_id

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID.encode(), request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            self._record(scope, request_id, status, time.perf_counter() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"]
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.seconds.labels(route, method).observe(seconds)
        principal, address = scope.get("sigillo.principal", ""), scope.get("sigillo.address")
        if route in UNLOGGED_ROUTES and not principal and status < SERVER_ERROR:
            return
        self._log.info(
            "answered",
            request=request_id,
            route=route,
            method=method,
            status=status,
            ms=round(seconds * 1000),
            principal=principal,
            network=str(network_of(address)) if address else "",
        )
