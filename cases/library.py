"""What is kept of signed assets: reading it back, and ending it by retention or erasure.

Rules
- Only the principal that owns an asset reads it, who uploaded it or to whom it was handed over; to everyone else it
  does not exist (ADR 0004).
- Retention ends the media; erasure ends everything but the tombstone and the public entries. A legal hold bars both.
- A held asset is given to nobody, its owner included, and nothing is made from it; retention and erasure end it as any
  other, and its holds with it. Its manifest is not given out after that either: with it anybody who has the upload has
  the signed file.
- Rows change first, with their entry; the file is unlinked after. A crash or a full disk in between leaves an
  unreferenced blob, which a later sweep removes (`cases.media`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, select

from cases.access import Caller, require_alive
from cases.asset import (
    WITH_MEDIA,
    Asset,
    AssetId,
    AssetRow,
    AssetState,
    asset_of,
    find_row,
    mark_erased,
    mark_expired,
    open_details,
    subject_id,
)
from cases.custody.handover_rows import drop_handovers
from cases.decisions import (
    ASSET_ERASED,
    ASSET_EXPIRED,
    ERASURE_POLICY,
    RETENTION_POLICY,
    AssetErased,
    AssetExpired,
)
from cases.errors import AssetGoneError, AssetHeldError, AssetNotFoundError
from cases.likeness.hold_rows import drop_holds
from cases.manifest_stores import open_store, sealed_store
from cases.media import delete_blob
from cases.signing import Original
from detection.memfd import Memfd
from keys.clock import Clock
from ledger.entry import format_time
from ledger.errors import BlobStoreUnavailableError, DatabaseUnavailableError, SubjectErasedError, SubjectHeldError
from ledger.forgetting.holds import require_unheld
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.blobs import BlobStore
from ledger.storage.database import Database
from ledger.storage.tables import LegalHold
from ledger.storage.tenancy import SystemSession
from provenance.sign import Parent
from provenance.vocabulary import SIDECAR_TYPES

_HELD = (
    select(LegalHold.name)
    .where(LegalHold.tenant_id == AssetRow.tenant_id, LegalHold.subject_id == AssetRow.id)
    .exists()
)
SWEEP_BATCH = 200
"""Assets ended by one round of the retention sweep."""


@dataclass(frozen=True)
class Library:
    """Signed assets, as far as they are still kept. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    blobs: BlobStore
    clock: Clock

    def find(self, caller: Caller, asset: AssetId) -> Asset:
        """One of the caller's assets, opened as far as it still can be. Raises AssetNotFoundError."""
        found = self.opened(caller.tenant, asset)
        if found.principal != caller.principal:
            raise AssetNotFoundError(f"there is no asset {asset}")
        return found

    def opened(self, tenant: TenantId, asset: AssetId) -> Asset:
        """The same whoever it belongs to: for this service's own eyes. Raises AssetNotFoundError."""
        with self.database.read(tenant) as connection:
            row = find_row(connection, tenant, asset)
        if row["details"] is None:
            return asset_of(row, None)
        subject = self.ledger.subjects.open(tenant, subject_id(asset))
        return asset_of(row, open_details(subject, row["details"]))

    def content(self, asset: Asset) -> Iterator[bytes]:
        """The signed file, opened segment by segment. Raises AssetHeldError, AssetGoneError, BlobError."""
        require_given_out(asset)
        return self.kept(asset)

    def kept(self, asset: Asset) -> Iterator[bytes]:
        """The same of a held asset, too: for this service's own eyes. Raises AssetGoneError, BlobError."""
        if asset.blob is None:
            raise AssetGoneError(asset.state)
        if asset.expires_at <= milliseconds(self.clock()):  # the sweep that ends it may be late
            raise AssetGoneError(AssetState.EXPIRED)
        subject = self.ledger.subjects.open(asset.tenant, subject_id(asset.id))
        assert asset.details is not None  # a row with a blob is not erased
        return self.blobs.open(subject, asset.blob, asset.details.signed_bytes)

    def manifest(self, asset: Asset) -> bytes:
        """Its manifest store, kept until it is erased. Raises AssetHeldError, AssetGoneError."""
        require_given_out(asset)
        return self.kept_manifest(asset)

    def kept_manifest(self, asset: Asset) -> bytes:
        """The same of a held asset, too: for this service's own eyes. Raises AssetGoneError."""
        with self.database.read(asset.tenant) as connection:
            sealed = sealed_store(connection, asset.tenant, asset.id)
        if sealed is None:
            raise AssetGoneError(AssetState.ERASED)
        return open_store(self.ledger.subjects.open(asset.tenant, subject_id(asset.id)), sealed)

    def original(self, asset: Asset) -> Original:
        """An asset as the parent of another, gone or not: what was made from it while it was kept is answered again."""
        mime = asset.details.upload.mime if asset.details else ""
        return Original(asset.id, mime, lambda: self._opened(asset, mime))

    @contextmanager
    def _opened(self, asset: Asset, mime: str) -> Iterator[Parent]:
        """Its signed file in memory, and its manifest store where the file cannot carry it."""
        with Memfd.of(self.content(asset)) as content:
            if mime not in SIDECAR_TYPES:
                yield Parent(content)
                return
            with Memfd.of([self.manifest(asset)]) as beside:
                yield Parent(content, beside)

    def erase(self, caller: Caller, asset: AssetId) -> EntryId:
        """Destroy the asset's key and everything sealed under it; the entry that says so. Nothing of it is opened: what
        is damaged, or whose key is lost, can be erased, too.

        Raises AssetNotFoundError, AssetGoneError when it was erased before, SubjectHeldError.
        """
        with self.database.read(caller.tenant) as connection:
            found = asset_of(find_row(connection, caller.tenant, asset), None)
        if found.principal != caller.principal:
            raise AssetNotFoundError(f"there is no asset {asset}")
        if found.state is AssetState.ERASED:
            raise AssetGoneError(found.state)
        said = AssetErased(asset, caller.principal, format_time(milliseconds(self.clock())))
        system = self.ledger.subjects.system(found.tenant)
        draft = self.ledger.draft(ASSET_ERASED.name, ERASURE_POLICY, caller.principal, system, said)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, caller)
            row = find_row(connection, found.tenant, asset)
            if row["principal_id"] != caller.principal:  # handed over since it was found
                raise AssetNotFoundError(f"there is no asset {asset}")
            if row["state"] == AssetState.ERASED:
                raise AssetGoneError(AssetState.ERASED)
            self.ledger.subjects.erase(connection, found.tenant, subject_id(asset))
            mark_erased(connection, found.tenant, asset, draft.id)
            drop_holds(connection, found.tenant, asset)
            drop_handovers(connection, found.tenant, asset)
            if found.blob is not None:
                delete_blob(connection, found.tenant, found.blob)
            return [draft]

        self.ledger.record(work, found.tenant)
        self._unlink(found)
        with suppress(DatabaseUnavailableError):  # it is erased: housekeeping empties the log as soon as there is room
            self.database.truncate_wal()
        return draft.id

    def end_retention(self) -> int:
        """Delete the media of assets whose time is over; how many. Call until it answers 0."""
        now = milliseconds(self.clock())
        with self.database.read(SystemSession.SWEEP) as connection:
            due = connection.execute(
                select(AssetRow.__table__)
                .where(AssetRow.state.in_(WITH_MEDIA), AssetRow.expires_at <= now, ~_HELD)
                .limit(SWEEP_BATCH)
            ).mappings()
            assets = [asset_of(row, None) for row in due]
        for asset in assets:
            self._expire(asset)
        return len(assets)

    def _expire(self, asset: Asset) -> None:
        said = AssetExpired(asset.id, format_time(asset.expires_at))
        subject = self._subject_or_system(asset)
        actor = self.ledger.system_principal(asset.tenant)
        draft = self.ledger.draft(ASSET_EXPIRED.name, RETENTION_POLICY, actor, subject, said)

        def work(connection: Connection) -> Sequence[Draft]:
            if find_row(connection, asset.tenant, asset.id)["state"] not in WITH_MEDIA:
                return []  # erased since the sweep read it
            require_unheld(connection, asset.tenant, subject_id(asset.id))
            mark_expired(connection, asset.tenant, asset.id, draft.id)
            drop_holds(connection, asset.tenant, asset.id)
            if asset.blob is not None:
                delete_blob(connection, asset.tenant, asset.blob)
            return [draft]

        try:
            self.ledger.record(work, asset.tenant)
        except SubjectHeldError:  # put under hold since the sweep read it: it stays, and the sweep goes on
            return
        self._unlink(asset)

    def _subject_or_system(self, asset: Asset) -> Subject:
        """The asset's subject; its tenant's where that is gone without an erasure (a restored backup), so that one
        such row does not keep everyone else's retention waiting.
        """
        try:
            return self.ledger.subjects.open(asset.tenant, subject_id(asset.id))
        except SubjectErasedError:
            return self.ledger.subjects.system(asset.tenant)

    def _unlink(self, asset: Asset) -> None:
        if asset.blob is not None:
            # What was asked is done once it is committed: a file that cannot be unlinked now is the sweep's.
            with suppress(BlobStoreUnavailableError):
                self.blobs.delete(asset.blob)


def require_given_out(asset: Asset) -> None:
    """Raises AssetHeldError; AssetGoneError of what was held until its retention ended."""
    if asset.held_for is None:
        return
    if asset.state is AssetState.HELD:
        raise AssetHeldError(asset.held_for)
    raise AssetGoneError(asset.state)
