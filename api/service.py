"""The composition root: settings in, one running service out.

Rules
- Parts are built once, from the bottom layer up, and closed in the reverse order.
- A key store that is down does not keep the service from starting: what needs it answers so, and recovers by itself.
- Uploads to be signed and files to be verified go to separate pools of workers, so that a worker hijacked by an
  anonymous file is never given a claim to sign. Each waits in threads of its own, and strangers' uploads have
  memory of their own: neither starves the other, nor the rest of the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from api.home import Home, StartError, alone
from api.housekeeping import Housekeeping
from api.log import logger
from api.readiness import Part, Readiness
from api.settings import KeyStoreKind, ParentPolicy, Profile, Settings
from api.telemetry import Metrics
from api.throttle import Throttle
from api.trust import Trust
from api.upload import BUDGET_BYTES, FORM_BYTES, Budget
from api.vault_metrics import VaultMetrics
from api.version import VERSION
from cases.access import Access
from cases.decisions import KINDS
from cases.deployment import Deployment
from cases.intake import Intake, IntakePolicy
from cases.library import Library
from cases.media import sweep_strays
from cases.recognition import Recognition
from cases.verification import Verification
from detection.isolation import Isolation
from detection.sandbox import Sandbox
from keys.approle import AppRole
from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.local import WARNING, LocalKeyStore
from keys.observer import Observer, Unobserved
from keys.signer import KeyStore
from keys.steady_vault import SteadyVault
from keys.vault_login import Identity, PlainToken
from keys.vault_store import VaultKeyStore
from ledger.blobs import BlobStore
from ledger.database import Database
from ledger.log import Ledger
from provenance.request import Tool

JOBS = "provenance.jobs"
"""What workers can do."""

IN_CLEAR = "INSECURE: what is said to Vault crosses the network without TLS, our token too; use an https:// address"

THREADS_PER_WORKER = 2
SPARE_THREADS = 4
"""Requests that a pool of workers has under way at once: some fill it, some read, seal and record meanwhile."""


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
    intake: Intake
    library: Library
    verification: Verification
    throttle: Throttle
    callers_uploads: Budget
    strangers_uploads: Budget
    signing: CapacityLimiter
    verifying: CapacityLimiter
    metrics: Metrics
    housekeeping: Housekeeping
    readiness: Readiness

    def measure(self, parts: Mapping[str, Part]) -> None:
        """Bring the gauges up to date."""
        for part, state in parts.items():
            self.metrics.ready.labels(part).set(state["ready"])
        status = self.ledger.status()
        self.metrics.log_size.labels("durable").set(status.committed)
        self.metrics.log_size.labels("proven").set(status.proven)


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
        _refuse_a_lost_database(database, home)
        if elsewhere := database.file:
            stack.enter_context(alone(elsewhere.with_name(f"{elsewhere.name}.lock"), str(elsewhere)))
        _refuse_other_keys(settings, database, home)
        metrics = Metrics()
        keys = open_keys(settings, home, clock, entropy, metrics)
        if settings.keys is KeyStoreKind.EMBEDDED:
            logger("keys").warning(WARNING)
        if settings.vault_in_clear:
            logger("keys").warning(IN_CLEAR, url=settings.vault_url)
        trust = Trust(settings, keys, home.anchors)
        stack.callback(database.close)
        ledger = Ledger(database, keys, KINDS, origin=settings.log_origin or None, clock=clock, entropy=entropy)
        ledger.start()
        stack.callback(ledger.close)
        blobs = BlobStore(home.blobs, entropy)
        sweep_strays(database, blobs)
        signing, verifying = (stack.enter_context(_sandbox(settings)) for _ in range(2))
        service = _assemble(
            settings, operator_token, keys, trust, database, ledger, blobs, signing, verifying, metrics, clock, entropy
        )
        service.housekeeping.start()
        stack.callback(service.housekeeping.close)
        yield service


def _refuse_a_lost_database(database: Database, home: Home) -> None:
    """Media without the database that knows them: somebody moved or lost it. Raises StartError."""
    lost = database.file is not None and not database.file.exists()
    if lost and home.blobs.exists() and any(home.blobs.iterdir()):
        raise StartError(
            f"{database.file} is missing, but {home.blobs} holds media it knows: put the database or a backup back "
            "(to begin anew, move the whole home folder away)"
        )


def _refuse_other_keys(settings: Settings, database: Database, home: Home) -> None:
    """Keys of another kind than this folder was begun with: nothing it holds would open. Raises StartError."""
    embedded = settings.keys is KeyStoreKind.EMBEDDED
    if not embedded and home.keys.exists():
        raise StartError(
            f"{home.folder} was begun with embedded keys, and these settings name Vault: set SIGILLO_KEYS=embedded, "
            "or choose another SIGILLO_HOME to begin anew"
        )
    if embedded and not home.keys.exists() and database.file is not None and database.file.exists():
        raise StartError(
            f"{home.keys} is missing, but {database.file} was written with other keys: put the folder or a backup "
            "back, or set SIGILLO_KEYS=vault if it was begun with Vault"
        )


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


def _sandbox(settings: Settings) -> Sandbox:
    isolation = Isolation.WARN if settings.profile is Profile.EMBEDDED else Isolation.REQUIRED
    sandbox = Sandbox(JOBS, size=settings.workers, isolation=isolation, max_jobs=settings.worker_jobs)
    if warning := sandbox.isolation_report().warning:
        logger("sandbox").warning(warning)
    return sandbox


def _assemble(
    settings: Settings,
    operator_token: str,
    keys: KeyStore,
    trust: Trust,
    database: Database,
    ledger: Ledger,
    blobs: BlobStore,
    signing: Sandbox,
    verifying: Sandbox,
    metrics: Metrics,
    clock: Clock,
    entropy: Entropy,
) -> Service:
    policy = IntakePolicy(settings.parent_policy is ParentPolicy.REFUSE, settings.retention)
    deployment = Deployment(ledger, database, clock, entropy)
    library = Library(ledger, database, blobs, clock)
    recognition = Recognition(ledger.subjects, database)
    housekeeping = Housekeeping(deployment, library, database, clock)
    budget = max(BUDGET_BYTES, settings.upload_bytes + FORM_BYTES)
    threads = THREADS_PER_WORKER * settings.workers + SPARE_THREADS
    return Service(
        settings=settings,
        operator_token=operator_token,
        keys=keys,
        trust=trust,
        ledger=ledger,
        deployment=deployment,
        access=Access(ledger, database, clock, entropy),
        intake=Intake(
            ledger,
            database,
            blobs,
            recognition,
            signing,
            keys,
            trust.policy,
            policy,
            Tool("Sigillo", VERSION),
            clock,
            entropy,
        ),
        library=library,
        verification=Verification(ledger, recognition, verifying),
        throttle=Throttle(settings.anonymous_rate, settings.key_rate, clock, entropy),
        callers_uploads=Budget(budget),
        strangers_uploads=Budget(budget),
        signing=CapacityLimiter(threads),
        verifying=CapacityLimiter(threads),
        metrics=metrics,
        housekeeping=housekeeping,
        readiness=Readiness(keys, ledger, housekeeping, (signing, verifying)),
    )


async def service_of(request: Request) -> Service:
    """The service behind a request; a coroutine, because FastAPI sends every other dependency to a thread."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service_of)]
