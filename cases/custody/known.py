"""Which files of a lineage are assets of ours, as far as whoever asks may know, and what was recorded about them.

Rules
- A label can be written into any manifest. One is ours if the box of the manifest is, byte for byte, what we signed,
  and no file with other content came with it. What was brought in a bundle is told of that manifest alone, too
  (`imported`).
- Its owner sees all of an asset. To everybody else a public one has its signature and its hand-overs in the ledger,
  without names; another one does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select

from cases.access import Caller
from cases.asset import Asset, AssetId, AssetRow, AssetState, Visibility, asset_of, open_details, subject_id
from cases.custody.decisions import HANDED_OVER
from cases.custody.tables import CustodyImportRow, HandoverRow
from cases.decisions import ASSET_SIGNED
from ledger.entry import parse_entry
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subjects
from ledger.ids import EntryId, TenantId
from ledger.sequencing.pending import still_pending
from ledger.storage.database import Database
from ledger.storage.tables import Entry, Payload, SubjectKey
from ledger.storage.tenancy import SystemSession
from provenance.codes import CONTENT_MISMATCH
from provenance.lineage import Lineage

PUBLIC_KINDS: Final = frozenset({ASSET_SIGNED.name, HANDED_OVER.name})
"""What of a public asset everybody may know of."""

_ROW: Final = [column for column in AssetRow.__table__.columns if column.name != "manifest_store"]
"""Of fifty generations the stores take twenty megabytes, and nobody looks at them here."""

_OPENABLE: Final = (
    select(*_ROW, SubjectKey.epoch, SubjectKey.wrapped)
    .join(SubjectKey, and_(SubjectKey.tenant_id == AssetRow.tenant_id, SubjectKey.id == AssetRow.id))
    .where(AssetRow.state != AssetState.ERASED)
)


@dataclass(frozen=True)
class Event:
    """One ledger entry about an asset."""

    entry: EntryId
    kind: str
    time: str | None
    """None for the moment in which the entry is durable without a place in the log."""


@dataclass(frozen=True)
class Record:
    """An asset of ours, and what was recorded about it, as far as the caller may know."""

    asset: Asset
    own: bool
    events: tuple[Event, ...]
    handovers: tuple[RowMapping, ...]
    """Those that were accepted, the oldest first."""

    @property
    def signed(self) -> Event | None:
        """The entry of its signature."""
        return next((event for event in self.events if event.entry == self.asset.entry), None)


@dataclass(frozen=True)
class Brought:
    """A bundle about one of them that the caller brought here, and when that was recorded."""

    row: RowMapping
    time: str | None


@dataclass(frozen=True)
class Known:
    """What this deployment knows of the files of a lineage."""

    records: Mapping[str, Record]
    """By the id of the file's node."""

    imports: tuple[Brought, ...]
    """What the caller brought here about any of these."""


def known(
    database: Database, subjects: Subjects, by: Caller | None, lineage: Lineage, erased: Asset | None = None
) -> Known:
    """What the caller, or anybody, may know; `erased` is the lineage's one file, of which nothing is left.

    Raises KeyStoreUnavailableError, KeyNotFoundError.
    """
    digests = {one.id: one.sha256 for one in lineage.files if one.sha256 and not CONTENT_MISMATCH & {*one.failures}}
    with database.read(SystemSession.VERIFICATION) as connection:
        rows = connection.execute(_OPENABLE.where(AssetRow.manifest_label.in_(digests), _visible(by))).mappings().all()
        assets = {row["manifest_label"]: _opened(subjects, row) for row in rows}
        ours = {
            label: asset
            for label, asset in assets.items()
            if asset and asset.details and asset.details.manifest_sha256 == digests[label]
        }
        gone: dict[str, Asset] = {erased.id: erased} if erased else _gone(connection, by, ours, lineage)
        records = _records(connection, by, {**ours, **gone})
        return Known(records, _imports(connection, by, digests))


def _visible(by: Caller | None) -> ColumnElement[bool]:
    public = AssetRow.visibility == Visibility.PUBLIC
    return public if by is None else or_(public, _own(by))


def _own(by: Caller) -> ColumnElement[bool]:
    return and_(AssetRow.tenant_id == by.tenant, AssetRow.principal_id == by.principal)


def _opened(subjects: Subjects, row: RowMapping) -> Asset | None:
    try:
        subject = subjects.unwrap(
            TenantId(row["tenant_id"]), subject_id(AssetId(row["id"])), row["epoch"], row["wrapped"]
        )
    except SubjectErasedError:
        return None  # since the row was read
    return asset_of(row, open_details(subject, row["details"]))


def _gone(connection: Connection, by: Caller | None, ours: Mapping[str, Asset], lineage: Lineage) -> dict[str, Asset]:
    """Erased parents of these, by the node that their children's manifests still have of them."""
    parents = {step.made: step.of for step in lineage.steps if step.relationship == "parentOf"}
    wanted = {asset.parent: parents[label] for label, asset in ours.items() if asset.parent and label in parents}
    if by is None or not wanted:
        return {}
    erased = select(*_ROW).where(AssetRow.id.in_(wanted), _own(by), AssetRow.state == AssetState.ERASED)
    found = (asset_of(row, None) for row in connection.execute(erased).mappings())
    return {wanted[asset.id]: asset for asset in found if wanted[asset.id] not in ours}


def _records(connection: Connection, by: Caller | None, assets: Mapping[str, Asset]) -> dict[str, Record]:
    ids = [asset.id for asset in assets.values()]
    handed = select(HandoverRow.__table__).where(HandoverRow.asset_id.in_(ids), HandoverRow.accepted_at.is_not(None))
    handovers = connection.execute(handed.order_by(HandoverRow.accepted_at)).mappings().all()
    said = select(Payload.subject_id, Payload.entry_id).where(Payload.subject_id.in_(ids))
    entries: dict[str, set[str]] = {one.id: {one.entry, *filter(None, [one.ended_entry])} for one in assets.values()}
    for row in connection.execute(said):
        entries[row.subject_id].add(row.entry_id)
    events = _events(connection, {entry for its in entries.values() for entry in its})
    found = {}
    for name, asset in assets.items():
        own = by is not None and (asset.tenant, asset.principal) == (by.tenant, by.principal)
        its = [event for event in events if event.entry in entries[asset.id] and (own or event.kind in PUBLIC_KINDS)]
        found[name] = Record(asset, own, tuple(its), tuple(row for row in handovers if row["asset_id"] == asset.id))
    return found


def _events(connection: Connection, ids: Iterable[str]) -> list[Event]:
    """In the order of the log; those that have no place yet, last."""
    rows = connection.execute(select(Entry.data).where(Entry.id.in_(ids)).order_by(Entry.index)).scalars()
    placed = [Event(one.id, one.kind, one.time) for one in map(parse_entry, rows)]
    missing = set(ids) - {event.entry for event in placed}
    waiting = still_pending(connection, map(EntryId, missing)) if missing else ()
    return placed + [Event(one.id, one.kind, None) for one in waiting]


def _imports(connection: Connection, by: Caller | None, labels: Mapping[str, Any]) -> tuple[Brought, ...]:
    if by is None:
        return ()
    mine = (CustodyImportRow.tenant_id == by.tenant, CustodyImportRow.principal_id == by.principal)
    rows = select(CustodyImportRow.__table__).where(*mine, CustodyImportRow.manifest_label.in_(labels))
    found = connection.execute(rows.order_by(CustodyImportRow.imported_at)).mappings().all()
    times = {event.entry: event.time for event in _events(connection, [row["entry_id"] for row in found])}
    return tuple(Brought(row, times.get(row["entry_id"])) for row in found)
