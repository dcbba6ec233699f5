"""The composition root: settings in, one running service out.

Rules
- Parts are built once, from the bottom layer up, and closed in the reverse order.
- A key store that is down does not keep the service from starting: what needs it answers so, and recovers by itself.
- Strangers' files go to workers, threads and memory of their own: a worker hijacked by an anonymous file is never
  given a claim to sign, and a crowd of strangers does not keep callers with keys waiting. Callers' uploads to be
  signed and their files to be verified share workers but no threads: neither starves the other, nor the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import nan
from typing import Annotated

from fastapi import Depends, Request

from api.ages import presentations_of
from api.assurance import Assurance, assurance_of
from api.credential_desk import CredentialDesk, desks
from api.ground import mark, require_one_log, require_parts, set_up
from api.home import Home, alone
from api.housekeeping import STRAY_AGE, Housekeeping
from api.issuance import Issuance, issuance_of
from api.log import logger
from api.readiness import Part, Readiness
from api.revocation import watch_of
from api.settings import KeyStoreKind, ParentPolicy, Profile, Settings, TimeStampPolicy
from api.sources import Sources, sources_of
from api.stamps import Stamps, stamps_of
from api.telemetry import Metrics
from api.throttle import Throttle
from api.trust import Trust
from api.turns import Turns
from api.upload import BUDGET_BYTES, FORM_BYTES, SharedBudget
from api.vault_metrics import VaultMetrics
from api.version import VERSION
from api.wallets import wallets_of
from cases.access import Access
from cases.claim_key import ClaimKeyRecord
from cases.decisions import KINDS
from cases.deployment import Deployment
from cases.holds import Holds
from cases.intake import Intake, IntakePolicy
from cases.library import Library
from cases.media import sweep_strays
from cases.oversight import Oversight
from cases.recognition import Recognition
from cases.revocation import Revocations
from cases.verification import Verification
from detection.isolation import Isolation
from detection.sandbox import Sandbox
from detection.shares import Shares
from identity.openid4vci.credential_issuer import CredentialIssuer
from identity.openid4vp.presentations import Presentations
from keys.approle import AppRole
from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.local import WARNING, LocalKeyStore
from keys.observer import Observer, Unobserved
from keys.signer import KeyStore
from keys.steady_vault import SteadyVault
from keys.vault_login import Identity, PlainToken
from keys.vault_store import VaultKeyStore
from ledger.forgetting.rewrapping import Rewrapping
from ledger.log import Ledger
from ledger.opening.disclosure import Disclosures
from ledger.storage.blobs import BlobStore
from ledger.storage.database import Database
from provenance.request import Tool
from provenance.time_stamps import TimeStamps

JOBS = "provenance.jobs"
"""What workers can do."""

IN_CLEAR = "INSECURE: what is said to Vault crosses the network without TLS, our token too; use an https:// address"

MANIFEST_BYTES = 64 * 1024 * 1024
"""What a signed file may be larger than its upload: much more than the history that is accepted."""

THREADS_PER_WORKER = 2
SPARE_THREADS = 4
"""Requests that a pool of workers has under way at once: some fill it, some read, seal and record meanwhile."""

WORKERS_FOR_OTHERS = 1
"""Workers of each pool that one principal, or one network of strangers, leaves to others however much it sends."""

STAMPING_THREADS = 32
"""Requests that may wait for a time-stamp atop these: that takes a thread and a round trip, and no worker."""


@dataclass(frozen=True)
class Desk:
    """What one kind of caller, with a key or without, verifies files with."""

    verification: Verification
    turns: Turns
    uploads: SharedBudget


@dataclass(frozen=True)
class Service:
    """Everything the edge needs. Handlers get it as `ServiceDep`."""

    settings: Settings
    operator_token: str = field(repr=False)
    keys: KeyStore
    trust: Trust
    ledger: Ledger
    deployment: Deployment
    access: Access
    assurance: Assurance
    intake: Intake
    library: Library
    holds: Holds
    oversight: Oversight
    issuance: Issuance
    callers: Desk
    strangers: Desk
    credential_callers: CredentialDesk
    credential_strangers: CredentialDesk
    throttle: Throttle
    signing: Turns
    metrics: Metrics
    rewrapping: Rewrapping
    revocations: Revocations
    housekeeping: Housekeeping
    strangers_sources: Sources
    presentations: Presentations
    wallets: CredentialIssuer
    stamps: Stamps | None
    """None where no time-stamp authority is set."""

    readiness: Readiness

    def measure(self, parts: Mapping[str, Part]) -> None:
        """Bring the gauges up to date."""
        for part, state in parts.items():
            self.metrics.ready.labels(part).set(state["ready"])
        status = self.ledger.status()
        self.metrics.log_size.labels("durable").set(status.committed)
        self.metrics.log_size.labels("proven").set(status.proven)
        self.metrics.log_size.labels("pending").set(status.pending)
        self.metrics.leads.set(status.leads)
        ends = self.readiness.certificate_ends
        self.metrics.certificate_seconds.set((ends - self.housekeeping.clock()).total_seconds() if ends else nan)
        self.metrics.subjects_to_rewrap.set(self.rewrapping.status.waiting)
        self.metrics.oldest_epoch.set(self.rewrapping.age().total_seconds())
        self.metrics.revocation.set(self.revocations.left_seconds())
        if self.stamps is not None:
            self.stamps.measure(self.metrics)
        self.metrics.measure_witnesses(self.ledger.witnesses)


@contextmanager
def open_service(
    settings: Settings,
    home: Home,
    operator_token: str,
    clock: Clock = system_clock,
    entropy: Entropy = system_entropy,
) -> Iterator[Service]:
    """Build the service and run it while the block lasts.

    Raises StartError, HomeHeldError, KeysError for an embedded store that does not open, IsolationUnavailableError,
    SchemaTooNewError, DatabaseUnavailableError, TrustPolicyError, OSError.
    """
    with ExitStack() as stack:
        database = Database(settings.database_url)
        if elsewhere := database.file and database.file.resolve():
            stack.enter_context(alone(elsewhere.with_name(f"{elsewhere.name}.lock"), str(elsewhere)))
        stack.callback(database.close)
        blob_folder = settings.blobs or home.blobs
        require_parts(settings, home, database, blob_folder)
        metrics = Metrics()
        keys = open_keys(settings, home, clock, entropy, metrics)
        if settings.keys is KeyStoreKind.EMBEDDED:
            logger("keys").warning(WARNING)
        if settings.vault_in_clear:
            logger("keys").warning(IN_CLEAR, url=settings.vault_url)
        set_up(settings)
        ledger = Ledger(
            database,
            keys,
            KINDS,
            origin=settings.log_origin or None,
            clock=clock,
            entropy=entropy,
            witnesses=settings.witness_policy,
            notice=_witness_failed,
        )
        ledger.start()
        stack.callback(ledger.close)
        require_one_log(ledger)
        blobs = BlobStore(blob_folder, entropy)
        # Another process may be between a file and its row.
        sweep_strays(database, blobs, STRAY_AGE if settings.on_postgresql else timedelta(0))
        callers, strangers = (stack.enter_context(_sandbox(settings, JOBS)) for _ in range(2))
        deployment = Deployment(ledger, database, clock, entropy)
        watch = watch_of(settings, home, keys, clock, entropy)
        revocations = Revocations(ledger, database, keys, watch, deployment.operator, clock, settings.revocation_grace)
        trust = Trust(settings, keys, home.anchors, lambda: revocations.revoked)
        time_stamps = stack.enter_context(_time_stamps(settings)) if settings.tsa_urls else None
        issuance = issuance_of(settings, ledger, database, keys, deployment, clock, entropy)
        sources, strangers_sources = (sources_of(settings, issuance, clock) for _ in range(2))
        credentials = desks(
            settings,
            partial(_sandbox, settings),
            partial(_turns, settings.workers),
            _share(settings.workers),
            (sources, strangers_sources),
            clock,
            stack,
        )
        assurance = assurance_of(settings, home, ledger, database, issuance, clock, entropy)
        service = _assemble(
            settings,
            operator_token,
            keys,
            trust,
            revocations,
            deployment,
            issuance,
            assurance,
            time_stamps,
            database,
            ledger,
            blobs,
            callers,
            strangers,
            credentials,
            sources,
            strangers_sources,
            metrics,
            clock,
            entropy,
        )
        mark(settings, home)
        service.housekeeping.start()
        stack.callback(service.housekeeping.close)
        if service.stamps is not None:
            service.stamps.stamping.start()
            stack.callback(service.stamps.stamping.close)
        yield service


def _witness_failed(witness: str, reason: str, objects: bool) -> None:
    log = logger("witnesses")
    if objects:
        log.error("ALARM: a witness saw another history of this log", witness=witness, reason=reason)
    else:
        log.warning("not cosigned", witness=witness, reason=reason)


def open_keys(
    settings: Settings, home: Home, clock: Clock, entropy: Entropy, metrics: Metrics | None = None
) -> KeyStore:
    """The key store the settings name. Raises KeysError for an embedded one that does not open."""
    if settings.keys is KeyStoreKind.VAULT:
        observer = VaultMetrics(metrics.registry, clock) if metrics else Unobserved()
        identity = _identity(settings, home, clock, observer)
        vault = SteadyVault(
            settings.vault_url, identity, ca_file=settings.vault_ca, clock=clock, entropy=entropy, observer=observer
        )
        return VaultKeyStore(vault, clock)
    passphrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    embedded = settings.profile is Profile.EMBEDDED
    return LocalKeyStore.open(home.keys, embedded_profile=embedded, passphrase=passphrase, clock=clock, entropy=entropy)


def _identity(settings: Settings, home: Home, clock: Clock, observer: Observer) -> Identity:
    """Who we are to Vault."""
    if settings.vault_token is not None:
        return PlainToken(settings.vault_token.get_secret_value())
    return AppRole(settings.vault_role_id, lambda: _wrapped_secret_id(settings), home.secret_id, clock, observer)


def _wrapped_secret_id(settings: Settings) -> str:
    """What the operator handed over last. A file that is gone was taken away after its use. Raises OSError."""
    if settings.vault_wrapped_secret_id is not None:
        return settings.vault_wrapped_secret_id.get_secret_value()
    file = settings.vault_wrapped_secret_id_file
    return file.read_text().strip() if file is not None and file.exists() else ""


def _sandbox(settings: Settings, jobs: str) -> Sandbox:
    isolation = Isolation.WARN if settings.profile is Profile.EMBEDDED else Isolation.REQUIRED
    sandbox = Sandbox(
        jobs,
        size=settings.workers,
        isolation=isolation,
        max_jobs=settings.worker_jobs,
        output_bytes=settings.upload_bytes + MANIFEST_BYTES,
    )
    if warning := sandbox.isolation_report().warning:
        logger("sandbox").warning(warning)
    return sandbox


def _time_stamps(settings: Settings) -> TimeStamps:
    log = logger("time-stamps")
    return TimeStamps(
        settings.tsa_urls,
        required=settings.tsa_policy is TimeStampPolicy.REFUSE,
        seconds=settings.tsa_seconds,
        notice=lambda authority, reason: log.warning("no time-stamp", authority=authority, reason=reason),
    )


def _assemble(
    settings: Settings,
    operator_token: str,
    keys: KeyStore,
    trust: Trust,
    revocations: Revocations,
    deployment: Deployment,
    issuance: Issuance,
    assurance: Assurance,
    time_stamps: TimeStamps | None,
    database: Database,
    ledger: Ledger,
    blobs: BlobStore,
    callers: Sandbox,
    strangers: Sandbox,
    credentials: tuple[CredentialDesk, CredentialDesk],
    sources: Sources,
    strangers_sources: Sources,
    metrics: Metrics,
    clock: Clock,
    entropy: Entropy,
) -> Service:
    policy = IntakePolicy(settings.parent_policy is ParentPolicy.REFUSE, settings.retention)
    library = Library(ledger, database, blobs, clock)
    recognition = Recognition(ledger.subjects, database)
    rewrapping = Rewrapping(ledger, database, clock, settings.epoch_lifetime, logger("epochs").info)
    throttle = Throttle(settings.anonymous_rate, settings.ledger_rate, settings.key_rate, clock, entropy)
    claim_key = ClaimKeyRecord(ledger, database, keys, deployment)
    housekeeping = Housekeeping(
        deployment,
        library,
        assurance.review,
        rewrapping,
        claim_key,
        issuance.record,
        revocations,
        database,
        throttle,
        clock,
    )
    signers, verifiers = (Shares(sandbox, _share(settings.workers)) for sandbox in (callers, strangers))
    stamps = stamps_of(settings, database, callers, time_stamps, clock) if time_stamps else None
    return Service(
        settings=settings,
        operator_token=operator_token,
        keys=keys,
        trust=trust,
        ledger=ledger,
        deployment=deployment,
        access=Access(ledger, database, clock, entropy),
        assurance=assurance,
        intake=Intake(
            ledger,
            database,
            blobs,
            recognition,
            signers,
            keys,
            revocations,
            time_stamps,
            trust.policy,
            policy,
            Tool("Sigillo", VERSION),
            clock,
            entropy,
        ),
        library=library,
        holds=Holds(ledger, database, clock),
        oversight=Oversight(Disclosures(ledger, database)),
        issuance=issuance,
        callers=_desk(settings, Verification(ledger, recognition, signers)),
        strangers=_desk(settings, Verification(ledger, recognition, verifiers)),
        throttle=throttle,
        signing=_turns(settings.workers, STAMPING_THREADS if time_stamps else 0),
        metrics=metrics,
        rewrapping=rewrapping,
        revocations=revocations,
        housekeeping=housekeeping,
        credential_callers=credentials[0],
        credential_strangers=credentials[1],
        strangers_sources=strangers_sources,
        presentations=presentations_of(settings, ledger, database, sources, issuance.record, clock, entropy),
        wallets=wallets_of(settings.origin, database, deployment, issuance.issuing),
        stamps=stamps,
        readiness=Readiness(keys, ledger, housekeeping, rewrapping, revocations, (callers, strangers), stamps),
    )


def _desk(settings: Settings, verification: Verification) -> Desk:
    return Desk(verification, _turns(settings.workers), _budget(settings.upload_bytes + FORM_BYTES))


def _budget(largest: int) -> SharedBudget:
    """Room for many uploads, and at least for the largest with its parent; one holder leaves room for another's, where
    there is.
    """
    limit = max(BUDGET_BYTES, 2 * largest)
    return SharedBudget(limit, each=max(limit - largest, 2 * largest))


def _share(workers: int) -> int:
    """How many of so many workers one holder may have at once; where there is but one, that one."""
    return max(workers - WORKERS_FOR_OTHERS, 1)


def _turns(workers: int, more: int = 0) -> Turns:
    threads = THREADS_PER_WORKER * workers + SPARE_THREADS + more
    return Turns(threads, threads - THREADS_PER_WORKER * (workers - _share(workers)))


async def service_of(request: Request) -> Service:
    """The service behind a request; a coroutine, because FastAPI sends every other dependency to a thread."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service_of)]
