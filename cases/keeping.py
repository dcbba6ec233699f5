"""Signed uploads become assets: their media are sealed, then rows and entries of all of them commit together.

Rules
- Everything random or slow is fixed before the unit of work; inside it only rows are touched.
- Nothing is acknowledged before it is durable. What fails on the way leaves no row, and its blobs are removed.
- Several are of one caller, and each stands alone in the end: whose Idempotency-Key was spent meanwhile makes nothing,
  and the others are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, insert

from cases.access import require_alive
from cases.asset import Asset, AssetId, AssetState, Sealed, insert_assets, new_asset_id, subject_id
from cases.custody.tables import TraceRow
from cases.custody.trace_rows import TraceRows
from cases.custody.traces import Traces
from cases.decisions import ASSET_SIGNED, INTAKE_POLICY
from cases.errors import IdempotencyConflictError
from cases.idempotency import IdempotencyKey, spend_all, winners
from cases.likeness.at_upload import AtUpload
from cases.likeness.consequences import Consequences
from cases.media import blob_size, insert_blobs
from cases.revocation import Revocations
from cases.signing import Signing, decision, details
from identity.assurance.account import require_account
from keys.clock import Clock, Entropy
from ledger.errors import EpochClosedError, LedgerError
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.blobs import Blob, BlobStore
from ledger.storage.database import Database
from provenance.vocabulary import SIDECAR_TYPES

EPOCH_TRIES = 3
"""An epoch ends once a day at most: to meet its end twice in one upload would be a fault, not bad luck."""


@dataclass(frozen=True)
class IntakePolicy:
    """What the deployment decided about uploads."""

    refuse_broken_parents: bool
    retention: timedelta

    @property
    def name(self) -> str:
        """Its version in public entries."""
        return INTAKE_POLICY.format(parents="refuse" if self.refuse_broken_parents else "record")


@dataclass(frozen=True)
class Kept:
    """An upload that is an asset."""

    id: AssetId
    asset: Asset | None
    """As it was committed; None of what its key had made before, and of what may be held."""


@dataclass(frozen=True)
class _Pending:
    """One on its way: all that its rows need."""

    signing: Signing
    spent: IdempotencyKey | None
    subject: Subject
    blob: Blob
    sealed: Sealed
    asset: Asset
    entry: Draft
    trace: Mapping[str, object] | None
    """The row of what it was found to be, where that lasts."""

    follows: Consequences | None

    def entries(self, connection: Connection) -> Sequence[Draft]:
        """Inside the unit of work, once its row is there."""
        return [self.entry, *(self.follows.write(connection) if self.follows else ())]


@dataclass(frozen=True)
class Keeping:
    """Keeps what was signed. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    blobs: BlobStore
    revocations: Revocations
    likeness: AtUpload
    traces: Traces
    trace_rows: TraceRows
    policy: IntakePolicy
    clock: Clock
    entropy: Entropy

    def keep(
        self, signings: Sequence[tuple[Signing, IdempotencyKey | None]]
    ) -> Sequence[Kept | IdempotencyConflictError]:
        """Seal the media of these, of one caller, then commit assets and entries together; what became of each.

        Raises AccountNotFoundError, UnknownKeyError, SignerRevokedError, KeyStoreUnavailableError, BlobError,
        LogBusyError, DatabaseUnavailableError; then none of them was kept.
        """
        if not signings:
            return []
        tenant = signings[0][0].caller.tenant
        ids = [subject_id(new_asset_id(self.entropy)) for _ in signings]
        subjects = self.ledger.subjects.create_all(tenant, ids)
        files = [signing.signed.content.chunks() for signing, _ in signings]
        blobs = self.blobs.put_all(zip(subjects, files, strict=True))
        try:
            pending = [self._pending(*each) for each in zip(signings, subjects, blobs, strict=True)]
            lost = self._record(pending)
        except BaseException:  # whatever ended it, a blob that nobody owns must not stay
            for blob in blobs:
                self._drop(blob, tenant)
            raise
        return [self._settled(one, lost) for one in pending]

    def _pending(self, signing: tuple[Signing, IdempotencyKey | None], subject: Subject, blob: Blob) -> _Pending:
        upload, spent = signing
        known = details(upload, blob)
        sealed = Sealed.of(subject, known, upload.signed.manifest_store, self.entropy)
        expiry = upload.received_at + self.policy.retention // timedelta(milliseconds=1)
        said, actor = decision(upload, AssetId(subject.id), known, expiry), upload.caller.principal
        entry = self.ledger.draft(ASSET_SIGNED.name, self.policy.name, actor, subject, said)
        parent = upload.parent.asset if upload.parent else None
        asset = Asset(
            id=AssetId(subject.id),
            tenant=subject.tenant,
            principal=actor,
            state=AssetState.SIGNED,
            visibility=upload.submission.visibility,
            created_at=upload.received_at,
            expires_at=expiry,
            entry=entry.id,
            ended_entry=None,
            parent=AssetId(parent) if parent else None,
            blob=blob.id,
            manifest_label=upload.signed.label,
            details=known,
            brought_by=actor,
        )
        finding = upload.finding
        follows = self.likeness.consequences(upload.caller, finding, subject, entry.id) if finding else None
        trace = self.trace_rows.row(subject, upload.signed.descent)
        return _Pending(upload, spent, subject, blob, sealed, asset, entry, trace, follows)

    def _record(self, pending: Sequence[_Pending]) -> dict[str, str | IdempotencyConflictError]:
        """One unit of work; wrapped again when its epoch ends under it. What those keys made that were spent."""
        caller, now = pending[0].signing.caller, milliseconds(self.clock())
        keys = [one.spent for one in pending if one.spent]
        accounts = {one.signing.submission.account for one in pending} - {""}
        signers = {one.signing.signed.key: one.signing.signer for one in pending}
        subjects = [one.subject for one in pending]
        lost: dict[str, str | IdempotencyConflictError] = {}

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, caller)
            for account in accounts:
                require_account(connection, caller.tenant, SubjectId(account))
            for signer in signers.values():
                self.revocations.require_unrevoked(signer)
            lost.clear()
            lost.update(winners(connection, keys, now))
            new = [one for one in pending if _key(one) not in lost]
            if new:
                names = {one.subject.id for one in new}
                self.ledger.subjects.insert(connection, *(one for one in subjects if one.id in names))
                insert_blobs(connection, ((one.subject, one.blob, one.asset.expires_at) for one in new))
                insert_assets(connection, [(one.asset, one.sealed) for one in new])
                if traces := [one.trace for one in new if one.trace]:
                    connection.execute(insert(TraceRow), traces)
                spend_all(connection, [(one.spent, one.asset.id) for one in new if one.spent], now)
            return [draft for one in new for draft in one.entries(connection)]

        for _ in range(EPOCH_TRIES):
            try:
                self.ledger.record(work, caller.tenant)
            except EpochClosedError:
                subjects[:] = [self.ledger.subjects.rewrap(one) for one in subjects]
            else:
                return lost
        raise EpochClosedError("epochs end faster than this upload can be wrapped")

    def _settled(
        self, one: _Pending, lost: dict[str, str | IdempotencyConflictError]
    ) -> Kept | IdempotencyConflictError:
        """What became of it, once that is durable."""
        if (winner := lost.get(_key(one))) is not None:
            self.blobs.delete(one.blob.id)
            return winner if isinstance(winner, IdempotencyConflictError) else Kept(AssetId(winner), None)
        found = one.signing.signed.descent
        if found and one.signing.found.mime not in SIDECAR_TYPES:  # a file beside its manifest says nothing by itself
            self.traces.keep(one.blob.sha256.hex(), one.asset.id, found)
        return Kept(one.asset.id, None if one.follows else one.asset)

    def _drop(self, blob: Blob, tenant: TenantId) -> None:
        """Remove the blob of an upload that failed, unless its row is there after all (a commit whose answer was
        lost); where that cannot be told now, a later sweep tells.
        """
        try:
            with self.database.read(tenant) as connection:
                kept = blob_size(connection, tenant, blob.id) is not None
        except LedgerError:
            return
        if not kept:
            self.blobs.delete(blob.id)


def _key(one: _Pending) -> str:
    return one.spent.key if one.spent else ""
