"""The ledger as the rest of the service sees it.

Rules
- `record` is the one call of code that decides: the caller has fixed ids, salts and wrapped keys and synced
  any blob; `work` touches only rows, is safe to run again, and returns drafts. State and entries commit
  together or not at all.
- Two acknowledgements: *durable* when `record` returns, *proven* when a checkpoint covers the entry. In between, where
  several processes write, an entry is *pending* for some milliseconds: durable without a place in the log.
- Without the key store the log still starts and reads; what needs a key says so and recovers by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import IO, TypeAlias

from sqlalchemy import Connection, bindparam, insert, select

from keys.clock import Clock, Entropy, system_clock, system_entropy
from keys.signer import KeyStore
from ledger.auditing.audit import LogReport
from ledger.auditing.bundle import BundleFacts, write_bundle
from ledger.auditing.fsck import verify_log
from ledger.decisions import KINDS, LOG_RECOVERED, POLICY, TENANT_CREATED, TenantCreated
from ledger.entry import Entry, parse_entry
from ledger.errors import DraftRefusedError, EntryNotFoundError, ForkError, LogBusyError, NotProvenError
from ledger.forgetting.epochs import Epochs
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import EntryId, PrincipalId, TenantId, may_be_stored, milliseconds, new_id
from ledger.payload import SALT_BYTES, Draft, Kind, Payloads, SealedDraft
from ledger.publishing.activity import Activity, activity
from ledger.publishing.publication import Publication
from ledger.publishing.published import fetching, published
from ledger.publishing.search import PAGE, Cursor, Page, Query, search
from ledger.receipt import format_receipt
from ledger.sequencing.elected import ElectedSequencer
from ledger.sequencing.pending import still_pending
from ledger.sequencing.sequencer import Sequencer
from ledger.sequencing.single_writer import SingleWriter
from ledger.stamping.stamp_check import Judge
from ledger.storage.database import Database
from ledger.storage.schema import migrate
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tables import Principal, PrincipalKind, Tenant, stored_bytes
from ledger.storage.tenancy import SystemSession
from ledger.tree.integrator import CHECKPOINT_INTERVAL, Integrator
from ledger.tree.log_key import LogKey, fix_origin
from ledger.tree.merkle import inclusion_proof
from ledger.tree.recovery import Recovery, recovery
from ledger.tree.tile_store import tile_reader
from ledger.tree.tiles import Tiles
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum
from ledger.witnessing.policy import ALONE, WitnessPolicy
from ledger.witnessing.witnesses import Witnesses

MAX_UNINTEGRATED = 50_000
"""Entries that may wait for the tree; beyond, `record` pushes back."""

_ENTRY = select(EntryRow.index, stored_bytes(EntryRow.data)).where(EntryRow.id == bindparam("entry"))
_COVERED = select(EntryRow.id).where(
    EntryRow.id.in_(bindparam("entries", expanding=True)), EntryRow.index < bindparam("covered")
)
Work: TypeAlias = Callable[[Connection], Sequence[Draft]]


@dataclass(frozen=True)
class Recorded:
    """The entries of one unit of work, durable, in their order."""

    entries: tuple[EntryId, ...]


@dataclass(frozen=True)
class LogStatus:
    """How far each stage is: committed ≥ integrated ≥ proven. As far as this process has seen, where several write."""

    committed: int
    integrated: int
    proven: int
    ready: bool
    reason: str
    """Empty when ready; otherwise what holds checkpoints up."""

    pending: int
    """How many of the committed have no place in the log yet."""

    leads: bool
    """Whether it is this process that gives them theirs."""


class Ledger:
    """One log over one database."""

    def __init__(
        self,
        database: Database,
        keys: KeyStore,
        kinds: Iterable[Kind],
        *,
        origin: str | None = None,
        clock: Clock = system_clock,
        entropy: Entropy = system_entropy,
        checkpoint_interval: float = CHECKPOINT_INTERVAL,
        witnesses: WitnessPolicy = ALONE,
        notice: Callable[[str, str, bool], object] = lambda _name, _reason, _objects: None,
    ) -> None:
        """`notice` is told of witnesses that fail (`ledger.witnesses`)."""
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._wanted_origin = origin
        self._key = LogKey(database, keys)
        self.epochs = Epochs(database, keys, clock)
        self.subjects = Subjects(database, self.epochs, entropy)
        self.payloads = Payloads(database, self.subjects, (*KINDS, *kinds), entropy)
        sequencer = ElectedSequencer if database.backend.concurrent else SingleWriter
        self._sequencer: Sequencer = sequencer(database, clock)
        self.witnesses = Witnesses(database, witnesses, clock, notice)
        self._publication = Publication.under(witnesses)
        self._interval = checkpoint_interval
        self._integrator = Integrator(
            database, self._key, checkpoint_interval, self.witnesses, lambda: self._sequencer.leads
        )

    def start(self) -> None:
        """Migrate, fix the origin, begin to commit and to prove. The key store may still be down.

        Raises SchemaTooNewError, DatabaseUnavailableError, CheckpointError for an origin that differs.
        """
        migrate(self._database)
        fix_origin(self._database, self._wanted_origin, self._entropy)
        self._sequencer.start()
        self.witnesses.start(self._integrator.proved)
        self._integrator.start()

    def close(self) -> None:
        """Commit what is waiting, prove it if the key store can, stop. The database stays the caller's."""
        led = self._sequencer.leads
        self._sequencer.close()
        self._integrator.close(led=led)
        self.witnesses.close()

    def require_own_key(self) -> None:
        """Raises ForkError when the key store holds another key than this log was begun with; and when it cannot
        tell, KeyStoreUnavailableError or KeyNotFoundError.
        """
        held = self._key.held()
        if held is not None and held != self._key.verifier():
            raise ForkError(
                "the key store and the database do not belong together: this log was begun with another key; put back "
                "the keys, or the database, that goes with the other"
            )

    def draft(self, kind: str, policy: str, actor: PrincipalId, subject: Subject, payload: object) -> Draft:
        """A draft with a fresh id and salt: made before the unit of work, returned by it."""
        entry_id = EntryId(new_id("ent", self._entropy))
        return Draft(entry_id, kind, policy, actor, subject, payload, self._entropy(SALT_BYTES))

    def record(self, work: Work, tenant: TenantId) -> Recorded:
        """Run `work` on a connection bound to the tenant; returns once its rows and entries are durable.

        Raises what `work` raises, DraftRefusedError, SubjectErasedError, LogBusyError, LogClosedError,
        DatabaseUnavailableError, NestedWriteError; in every case nothing was committed, but for OutcomeUnknownError.
        """
        waiting = self._sequencer.size - self._integrator.progress().integrated
        if waiting > MAX_UNINTEGRATED:
            raise LogBusyError(f"{waiting} entries wait for the tree")
        sealed: list[SealedDraft] = []

        def sealed_work(connection: Connection) -> Sequence[SealedDraft]:
            sealed[:] = self._seal(tenant, work(connection))
            return sealed

        self._sequencer.submit(tenant, sealed_work)
        return Recorded(tuple(draft.id for draft in sealed))

    def create_tenant(self, name: str, tenant: TenantId | None = None) -> TenantId:
        """A tenant with its first epoch, its system subject and its system principal, recorded.

        Raises KeyStoreUnavailableError, and as `record`.
        """
        tenant = tenant or TenantId(new_id("tnt", self._entropy))
        epoch = self.epochs.begin(tenant)
        subject = self.subjects.create_under(epoch.number, tenant)
        principal = PrincipalId(new_id("prn", self._entropy))
        draft = self.draft(TENANT_CREATED.name, POLICY, principal, subject, TenantCreated(name))
        created = {"tenant_id": tenant, "created_at": milliseconds(self._clock())}
        row = {"name": name, "system_subject": subject.id, "system_principal": principal}

        def work(connection: Connection) -> Sequence[Draft]:
            connection.execute(insert(Tenant), created | row)
            connection.execute(insert(Principal), created | {"id": principal, "kind": PrincipalKind.SYSTEM})
            self.epochs.insert(connection, tenant, epoch)
            self.subjects.insert(connection, subject)
            return [draft]

        self.record(work, tenant)
        return tenant

    def system_principal(self, tenant: TenantId) -> PrincipalId:
        """The principal behind what a tenant's system does by itself."""
        with self._database.read(tenant) as connection:
            mine = select(Tenant.system_principal).where(Tenant.tenant_id == tenant)
            return connection.execute(mine).scalar_one()

    @property
    def proof_seconds(self) -> int:
        """How long what is durable takes to be proven, at most and if all is well."""
        return ceil(self._interval + (self.witnesses.policy.interval if self.witnesses.policy.waits else 0))

    @property
    def leads(self) -> bool:
        """Whether this process, of all that share the database, is the one that does what one alone should do."""
        return self._sequencer.leads

    def entry(self, entry_id: EntryId) -> Entry:
        """The public entry. Raises EntryNotFoundError, NotProvenError while it has no place yet."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return parse_entry(_find(connection, entry_id)[1])

    def receipt(self, entry_id: EntryId) -> str:
        """A proof of the entry that needs nothing but the log's verifier key.

        Raises EntryNotFoundError, NotProvenError.
        """
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return self._receipt(connection, entry_id)

    def receipts(self, entries: Iterable[EntryId]) -> dict[EntryId, str]:
        """Those of many, in one reading. Raises EntryNotFoundError, NotProvenError where one is not proven."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return {entry: self._receipt(connection, entry) for entry in entries}

    def checkpoint(self) -> str:
        """The checkpoint that the log shows (`ledger.publication`). Raises NotProvenError before the first."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            shown = self._publication.newest(connection)
        if shown is None:
            raise NotProvenError("no checkpoint has been signed yet, or none that witnesses saw")
        return shown.note

    def _receipt(self, connection: Connection, entry_id: EntryId) -> str:
        index, data = _find(connection, entry_id)
        shown = self._publication.over(connection, index)
        if shown is None:
            raise NotProvenError(f"{entry_id} is durable; the next checkpoint will prove it")
        proof = inclusion_proof(index, shown.size, Tiles(tile_reader(connection)).subtree)
        return format_receipt(data, index, proof, shown.note)

    def published(self, path: str) -> bytes:
        """A tile, bundle or stamp by its path (`ledger.published`). Raises TileNotFoundError, TileError."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return published(connection, path, self._publication.size(connection))

    def search(self, query: Query, cursor: Cursor | None = None, limit: int = PAGE) -> Page:
        """Public entries, page by page. Raises NotProvenError, SearchRefusedError, TileError."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return search(connection, query, cursor, limit, self._publication)

    def activity(self, days: int) -> Activity:
        """How many entries of each kind the last `days` days have, today the last, in UTC."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return activity(connection, self._clock().date(), days)

    def bundle(self, file: IO[bytes], first: int, end: int | None) -> BundleFacts:
        """Write the audit bundle of entries [first, end), or to the log's end, in a file.

        Raises NotProvenError, BundleError, TileError.
        """
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return write_bundle(fetching(connection, self._publication), self.vkey(), file, first, end)

    def is_proven(self, entry_id: EntryId) -> bool:
        """Whether a checkpoint covers the entry. Raises EntryNotFoundError."""
        return self.wait_proven(entry_id, 0)

    def proven(self, entries: Iterable[EntryId]) -> set[EntryId]:
        """Those of these that a checkpoint covers."""
        covered = self._integrator.progress().proven
        with self._database.read(SystemSession.VERIFICATION) as connection:
            return set(connection.execute(_COVERED, {"entries": list(entries), "covered": covered}).scalars())

    def wait_proven(self, entry_id: EntryId, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a checkpoint that covers the entry. Raises EntryNotFoundError."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                with self._database.read(SystemSession.VERIFICATION) as connection:
                    index, _ = _find(connection, entry_id)
            except NotProvenError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._integrator.next(left)
            else:
                return self._integrator.wait(index + 1, max(deadline - time.monotonic(), 0))

    def vkey(self) -> str:
        """The log's verifier key. Raises KeyStoreUnavailableError only while it was never known."""
        return str(self._key.verifier())

    def status(self) -> LogStatus:
        """What an operator wants to know at a glance."""
        progress, sequencer = self._integrator.progress(), self._sequencer
        objection = next((one.error for one in self.witnesses.objections()), "")
        running = "" if progress.running else "the log is not running"
        reason = objection or progress.reason or sequencer.reason() or running
        return LogStatus(
            sequencer.size,
            progress.integrated,
            progress.proven,
            not reason,
            reason,
            sequencer.pending,
            sequencer.leads,
        )

    def recovery(self) -> Recovery:
        """How the database stands to what was signed. Raises KeyStoreUnavailableError, RecoveryRefusedError."""
        with self._database.read(SystemSession.VERIFICATION) as connection:
            witnessed = self.witnesses.objections()
            return recovery(connection, self._key.verifier(), self._key.high_water(), witnessed)

    def recover(self, word: str, actor: PrincipalId, tenant: TenantId) -> Recorded:
        """Go on from this database, behind its mark as it is; `word` is that of `recovery`, which was read.

        Raises RecoveryRefusedError, KeyStoreUnavailableError, and as `record`.
        """
        found = self.recovery()
        found.require(word)
        draft = self.draft(LOG_RECOVERED.name, POLICY, actor, self.subjects.system(tenant), found.payload)
        recorded = self.record(lambda _: [draft], tenant)
        self._key.high_water().replace(found.mark, found.last)
        self.witnesses.overrule(found.witnessed)
        return recorded

    def verify(
        self,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        vkey: str | None = None,
        quorum: Quorum = NO_WITNESSES,
        judge: Judge | None = None,
    ) -> LogReport:
        """Check the whole log again, payloads included, under the key store's own key or the `vkey` that is brought;
        its stamps by a `judge`; and against the high-water mark, whether it is all that was signed.

        Raises as `verify_log`, KeyNotFoundError, ForkError.
        """
        held, mark = vkey or self._key.held(), self._key.high_water().read()
        sealed = (self.payloads, self.subjects)
        return verify_log(self._database, str(held) if held else None, sealed, progress, quorum, judge, mark)

    def _seal(self, tenant: TenantId, drafts: Sequence[Draft]) -> Sequence[SealedDraft]:
        if any(draft.subject.tenant != tenant for draft in drafts):
            raise DraftRefusedError("a draft's subject belongs to another tenant")
        return [self.payloads.seal(draft) for draft in drafts]


def _find(connection: Connection, entry_id: EntryId) -> tuple[int, bytes]:
    if not may_be_stored(entry_id):
        raise EntryNotFoundError(f"no entry {entry_id!r}")
    row = connection.execute(_ENTRY, {"entry": entry_id}).one_or_none()
    if row is None and still_pending(connection, [entry_id]):
        raise NotProvenError(f"{entry_id} is durable; it has no place in the log yet, and gets it in a moment")
    if row is None:
        raise EntryNotFoundError(f"no entry {entry_id}")
    index, data = row
    return index, data
