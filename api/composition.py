"""The composition root: settings in, one running service out.

Rules
- Parts are built once, from the bottom layer up, and closed in the reverse order.
- A key store that is down does not keep the service from starting: what needs it answers so, and recovers by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from api.edge.throttle import Throttle
from api.outside.sources import sources_of
from api.parts.ages import presentations_of
from api.parts.assurance import Assurance, assurance_of
from api.parts.credential_desk import desks
from api.parts.custody import custody_of
from api.parts.encoder import embedding_of
from api.parts.issuance import Issuance, issuance_of
from api.parts.key_store import open_keys, warn
from api.parts.likeness import Likeness
from api.parts.pools import JOBS, STAMPING_THREADS, desk_of, share, start_workers, turns
from api.parts.recovery import recovery_of
from api.parts.registry import RegistryDesk, registry_of
from api.parts.revocation import watch_of
from api.parts.stamps import stamps_of
from api.parts.trust import Trust
from api.parts.wallets import wallets_of
from api.parts.workflows import durable_of
from api.running.ground import mark, require_one_log, require_parts, set_up
from api.running.home import Home, alone
from api.running.housekeeping import STRAY_AGE, Housekeeping
from api.running.log import logger
from api.running.readiness import Readiness
from api.running.telemetry import Metrics
from api.service import Service
from api.settings import ParentPolicy, Profile, Settings, TimeStampPolicy
from api.version import VERSION
from cases.access import Access
from cases.batches import Batches
from cases.claim_key import ClaimKeyRecord
from cases.claims import Claims
from cases.creators import Creators
from cases.custody.trace_rows import TraceRows
from cases.custody.traces import Traces
from cases.decisions import KINDS
from cases.deployment import Deployment
from cases.holds import Holds
from cases.intake import Intake
from cases.keeping import IntakePolicy, Keeping
from cases.library import Library
from cases.media import sweep_strays
from cases.oversight import Oversight
from cases.recognition import Recognition
from cases.revocation import Revocations
from cases.staff import Staff
from cases.trust_lists import TrustLists
from cases.verification import Verification
from detection.embedding.embed import Embedder
from detection.generations.generations import Generations
from detection.shares import Shares
from identity.registration.notices import Notices
from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.signer import KeyStore
from ledger.forgetting.rewrapping import Rewrapping
from ledger.log import Ledger
from ledger.opening.disclosure import Disclosures
from ledger.storage.blobs import BlobStore
from ledger.storage.database import Database
from provenance.request import Tool
from provenance.time_stamps import TimeStamps


@dataclass(frozen=True)
class _Footing:
    """What every part stands on: keys, rows, blobs and the log, which has begun."""

    settings: Settings
    home: Home
    metrics: Metrics
    keys: KeyStore
    database: Database
    blobs: BlobStore
    ledger: Ledger
    deployment: Deployment
    clock: Clock
    entropy: Entropy


@contextmanager
def open_service(
    settings: Settings,
    home: Home,
    operator_token: str,
    clock: Clock = system_clock,
    entropy: Entropy = system_entropy,
    *,
    looks_back: bool = True,
) -> Iterator[Service]:
    """Build the service and run it while the block lasts. `looks_back`: what was kept before somebody registers is
    looked at by itself; without, only when told to.

    Raises StartError, HomeHeldError, KeysError for an embedded store that does not open, SchemaTooNewError,
    DatabaseUnavailableError, TrustPolicyError, OSError.
    """
    with ExitStack() as stack:
        service = _assembled(_footing(settings, home, clock, entropy, stack), operator_token, stack)
        mark(settings, home)
        service.housekeeping.start(looks_back=looks_back)
        stack.callback(service.housekeeping.close)
        if service.stamps is not None:
            service.stamps.stamping.start()
            stack.callback(service.stamps.stamping.close)
        yield service


def _footing(settings: Settings, home: Home, clock: Clock, entropy: Entropy, until: ExitStack) -> _Footing:
    database = Database(settings.database_url)
    if elsewhere := database.file and database.file.resolve():
        until.enter_context(alone(elsewhere.with_name(f"{elsewhere.name}.lock"), str(elsewhere)))
    until.callback(database.close)
    blob_folder = settings.blobs or home.blobs
    require_parts(settings, home, database, blob_folder)
    metrics = Metrics()
    keys = open_keys(settings, home, clock, entropy, metrics)
    warn(settings)
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
    until.callback(ledger.close)
    require_one_log(ledger)
    blobs = BlobStore(blob_folder, entropy)
    # Another process may be between a file and its row.
    sweep_strays(database, blobs, STRAY_AGE if settings.on_postgresql else timedelta(0))
    deployment = Deployment(ledger, database, clock, entropy)
    return _Footing(settings, home, metrics, keys, database, blobs, ledger, deployment, clock, entropy)


def _assembled(on: _Footing, operator_token: str, until: ExitStack) -> Service:
    settings, ledger, database, keys = on.settings, on.ledger, on.database, on.keys
    deployment, clock, entropy = on.deployment, on.clock, on.entropy
    signers, strangers = (Shares(partial(start_workers, settings, JOBS), share(settings.workers)) for _ in range(2))
    for pool in (signers, strangers):
        until.callback(pool.close)
    watch = watch_of(settings, on.home, keys, clock, entropy)
    revocations = Revocations(ledger, database, keys, watch, deployment.operator, clock, settings.revocation_grace)
    trust_lists = TrustLists(ledger, database, clock, settings.profile is Profile.EMBEDDED)
    trust = Trust(settings, keys, on.home.anchors, lambda: revocations.revoked, trust_lists.in_force)
    time_stamps = until.enter_context(_time_stamps(settings)) if settings.tsa_urls else None
    stamps = stamps_of(settings, database, signers, time_stamps, clock) if time_stamps else None
    issuance = issuance_of(settings, ledger, database, keys, deployment, clock, entropy)
    sources, strangers_sources = (sources_of(settings, issuance, clock) for _ in range(2))
    credential_callers, credential_strangers = desks(
        settings,
        partial(start_workers, settings),
        partial(turns, settings.workers),
        share(settings.workers),
        (sources, strangers_sources),
        clock,
        until,
    )
    assurance = assurance_of(settings, on.home, ledger, database, issuance, clock, entropy)
    library = Library(ledger, database, on.blobs, clock)
    registry = registry_of(settings, library, deployment, assurance, issuance, sources, until)
    recognition = Recognition(ledger.subjects, database)
    traces, trace_rows = Traces(clock), TraceRows(database, ledger.subjects, clock, entropy)
    for kept in (traces, trace_rows):
        ledger.subjects.on_erase(kept.forget)
    embedding = embedding_of(settings, until)
    recovery = recovery_of(ledger, database, embedding.card, until)
    rewrapping = Rewrapping(ledger, database, clock, settings.epoch_lifetime, logger("epochs").info)
    throttle = Throttle(
        settings.anonymous_rate, settings.ledger_rate, settings.key_rate, settings.opening_rate, clock, entropy
    )
    housekeeping = _housekeeping(
        on, registry, assurance, issuance, rewrapping, revocations, trust_lists, throttle, until
    )
    creators = Creators(assurance.grants, registry.statements, issuance.record.did or settings.origin)
    return Service(
        settings=settings,
        operator_token=operator_token,
        keys=keys,
        trust=trust,
        trust_lists=trust_lists,
        ledger=ledger,
        deployment=deployment,
        access=Access(ledger, database, clock, entropy),
        staff=Staff(ledger, database, clock, entropy, registry.people.sign_out),
        assurance=assurance,
        registry=registry,
        intake=_intake(
            on,
            recognition,
            signers,
            embedding.callers,
            revocations,
            registry.likeness,
            creators,
            time_stamps,
            _keeping(on, revocations, registry.likeness, traces, trace_rows),
            trust,
        ),
        claims=Claims(ledger, database, signers, keys, revocations, time_stamps, trust.policy, clock),
        library=library,
        recovery=recovery,
        custody=custody_of(
            settings, library, traces, trace_rows, recovery, signers, strangers, embedding, clock, entropy
        ),
        batches=Batches(database, ledger.subjects, clock, entropy),
        holds=Holds(ledger, database, clock),
        oversight=Oversight(Disclosures(ledger, database)),
        issuance=issuance,
        callers=desk_of(
            settings, Verification(ledger, recognition, recovery, signers, embedding.callers, creators, clock)
        ),
        strangers=desk_of(
            settings, Verification(ledger, recognition, recovery, strangers, embedding.strangers, creators, clock)
        ),
        throttle=throttle,
        signing=turns(settings.workers, STAMPING_THREADS if time_stamps else 0),
        metrics=on.metrics,
        rewrapping=rewrapping,
        revocations=revocations,
        housekeeping=housekeeping,
        credential_callers=credential_callers,
        credential_strangers=credential_strangers,
        strangers_sources=strangers_sources,
        presentations=presentations_of(settings, ledger, database, sources, issuance.record, clock, entropy),
        wallets=wallets_of(settings.origin, database, deployment, issuance.issuing, registry.registrations.registry),
        stamps=stamps,
        readiness=Readiness(
            keys,
            ledger,
            housekeeping,
            rewrapping,
            revocations,
            trust_lists,
            issuance.record,
            (signers, strangers, *embedding.pools),
            registry.faces,
            recovery.search.index,
            stamps,
        ),
    )


def _housekeeping(
    on: _Footing,
    registry: RegistryDesk,
    assurance: Assurance,
    issuance: Issuance,
    rewrapping: Rewrapping,
    revocations: Revocations,
    trust_lists: TrustLists,
    throttle: Throttle,
    until: ExitStack,
) -> Housekeeping:
    likeness, known = registry.likeness, registry.likeness.registrations
    return Housekeeping(
        on.deployment,
        likeness.unfinished.library,
        likeness,
        durable_of(on.settings, on.home, likeness.retroactive, until),
        assurance.review,
        Generations(on.ledger, on.database, on.entropy),
        registry.leaving.terms,
        Notices(assurance.accounts, known, assurance.carrier, on.settings.recovery_delay),
        rewrapping,
        registry.faces.renewing,
        ClaimKeyRecord(on.ledger, on.database, on.keys, on.deployment),
        issuance.record,
        revocations,
        trust_lists,
        on.database,
        throttle,
        on.clock,
    )


def _intake(
    on: _Footing,
    recognition: Recognition,
    workers: Shares,
    embedder: Embedder | None,
    revocations: Revocations,
    likeness: Likeness,
    creators: Creators,
    time_stamps: TimeStamps | None,
    keeping: Keeping,
    trust: Trust,
) -> Intake:
    return Intake(
        on.ledger,
        on.database,
        keeping,
        recognition,
        workers,
        embedder,
        on.keys,
        revocations,
        likeness.at_upload,
        likeness.tokens,
        creators,
        time_stamps,
        trust.policy,
        Tool("Sigillo", VERSION),
        on.clock,
        on.entropy,
    )


def _keeping(
    on: _Footing, revocations: Revocations, likeness: Likeness, traces: Traces, trace_rows: TraceRows
) -> Keeping:
    policy = IntakePolicy(on.settings.parent_policy is ParentPolicy.REFUSE, on.settings.retention)
    return Keeping(
        on.ledger,
        on.database,
        on.blobs,
        revocations,
        likeness.at_upload,
        traces,
        trace_rows,
        policy,
        on.clock,
        on.entropy,
    )


def _time_stamps(settings: Settings) -> TimeStamps:
    log = logger("time-stamps")
    return TimeStamps(
        settings.tsa_urls,
        required=settings.tsa_policy is TimeStampPolicy.REFUSE,
        seconds=settings.tsa_seconds,
        notice=lambda authority, reason: log.warning("no time-stamp", authority=authority, reason=reason),
    )


def _witness_failed(witness: str, reason: str, objects: bool) -> None:
    log = logger("witnesses")
    if objects:
        log.error("ALARM: a witness saw another history of this log", witness=witness, reason=reason)
    else:
        log.warning("not cosigned", witness=witness, reason=reason)
