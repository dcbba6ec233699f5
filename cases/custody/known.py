"""Which files of a lineage are assets of ours, as far as whoever asks may know, and what was recorded about them.

Rules
- A label can be written into any manifest. One is ours if the box of the manifest is, byte for byte, what we signed,
  and no file with other content came with it. What was brought in a bundle is told of that manifest alone, too
  (`imported`).
- Its owner sees all of an asset. To everybody else a public one has its signature and its hand-overs in the ledger,
  without names; another one does not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, with_config
from sqlalchemy import BindParameter, Connection, RowMapping, and_, bindparam, or_, select

from cases.access import Caller
from cases.asset import Asset, AssetId, AssetRow, AssetState, Visibility, asset_of, subject_id, unsealed_details
from cases.custody.decisions import HANDED_OVER
from cases.custody.tables import CustodyImportRow, HandoverRow
from cases.decisions import ASSET_SIGNED, ParentFinding
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

# Built once: to build a statement takes as long as to run it.
_MINE: Final = and_(AssetRow.tenant_id == bindparam("tenant"), AssetRow.principal_id == bindparam("principal"))
_IDS: Final[BindParameter[str]] = bindparam("ids", expanding=True)
_LABELS: Final[BindParameter[str]] = bindparam("labels", expanding=True)
_PUBLIC: Final = AssetRow.visibility == Visibility.PUBLIC
_LABELLED: Final = (
    select(AssetRow.__table__, SubjectKey.epoch, SubjectKey.wrapped)
    .join(SubjectKey, and_(SubjectKey.tenant_id == AssetRow.tenant_id, SubjectKey.id == AssetRow.id))
    .where(AssetRow.state != AssetState.ERASED, AssetRow.manifest_label.in_(_LABELS))
)
_STRANGERS: Final = _LABELLED.where(_PUBLIC)
_CALLERS: Final = _LABELLED.where(or_(_PUBLIC, _MINE))
_ERASED: Final = select(AssetRow.__table__).where(AssetRow.id.in_(_IDS), _MINE, AssetRow.state == AssetState.ERASED)

# By tenant and id, as the indices are: by id alone each row there is would be looked at.
_TENANTS: Final[BindParameter[str]] = bindparam("tenants", expanding=True)
_HANDED: Final = (
    select(HandoverRow.__table__)
    .where(HandoverRow.tenant_id.in_(_TENANTS), HandoverRow.asset_id.in_(_IDS), HandoverRow.accepted_at.is_not(None))
    .order_by(HandoverRow.accepted_at)
)
_SAID: Final = select(Payload.subject_id, Payload.entry_id).where(
    Payload.tenant_id.in_(_TENANTS), Payload.subject_id.in_(_IDS)
)
_PLACED: Final = select(Entry.data).where(Entry.id.in_(_IDS)).order_by(Entry.index)
_BROUGHT: Final = (
    select(CustodyImportRow.__table__)
    .where(
        CustodyImportRow.tenant_id == bindparam("tenant"),
        CustodyImportRow.principal_id == bindparam("principal"),
        CustodyImportRow.manifest_label.in_(_LABELS),
    )
    .order_by(CustodyImportRow.imported_at)
)


@with_config(defer_build=True)
@dataclass(frozen=True)
class Described:
    """What custody tells of an asset's details (`AssetDetails`). Of fifty assets, to read all takes a while."""

    signed_sha256: str
    parent: ParentFinding | None
    manifest_sha256: str | None = None


_DESCRIBED: Final = TypeAdapter(Described)


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
    """Without its details."""

    described: Described | None
    """None of what is erased."""

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


_Assets = Mapping[str, tuple[Asset, Described | None]]
"""By the id of the file's node."""


def known(
    database: Database, subjects: Subjects, by: Caller | None, lineage: Lineage, erased: Asset | None = None
) -> Known:
    """What the caller, or anybody, may know; `erased` is the lineage's one file, of which nothing is left.

    Raises KeyStoreUnavailableError, KeyNotFoundError.
    """
    digests = {one.id: one.sha256 for one in lineage.files if one.sha256 and not CONTENT_MISMATCH & {*one.failures}}
    asking = {"tenant": by.tenant, "principal": by.principal} if by else {}
    wanted = {"labels": list(digests), **asking}
    with database.read(SystemSession.VERIFICATION) as connection:
        rows = connection.execute(_CALLERS if by else _STRANGERS, wanted).mappings().all()
        found = {row["manifest_label"]: (asset_of(row, None), _described(subjects, row)) for row in rows}
        ours: _Assets = {
            label: (asset, described)
            for label, (asset, described) in found.items()
            if described and described.manifest_sha256 == digests[label]
        }
        gone: _Assets = {erased.id: (erased, None)} if erased else _gone(connection, asking, ours, lineage)
        imports = connection.execute(_BROUGHT, wanted).mappings().all() if by else []
        return Known(_records(connection, by, {**ours, **gone}), _brought(connection, imports))


def _described(subjects: Subjects, row: RowMapping) -> Described | None:
    tenant, subject = TenantId(row["tenant_id"]), subject_id(AssetId(row["id"]))
    try:
        opened = subjects.unwrap(tenant, subject, row["epoch"], row["wrapped"])
    except SubjectErasedError:
        return None  # since the row was read
    return _DESCRIBED.validate_json(unsealed_details(opened, row["details"]))


def _gone(connection: Connection, asking: Mapping[str, str], ours: _Assets, lineage: Lineage) -> _Assets:
    """The asker's erased parents of these, by the node that their children's manifests still have of them."""
    parents = {step.made: step.of for step in lineage.steps if step.relationship == "parentOf"}
    of = {asset.parent: parents[label] for label, (asset, _) in ours.items() if asset.parent and label in parents}
    wanted = [asset for asset, label in of.items() if label not in ours]
    if not asking or not wanted:
        return {}
    rows = connection.execute(_ERASED, {"ids": wanted, **asking}).mappings()
    return {of[asset.id]: (asset, None) for asset in (asset_of(row, None) for row in rows)}


def _records(connection: Connection, by: Caller | None, assets: _Assets) -> dict[str, Record]:
    entries = {entry: one.id for one, _ in assets.values() for entry in (one.entry, one.ended_entry) if entry}
    wanted = {
        "tenants": list({one.tenant for one, _ in assets.values()}),
        "ids": [one.id for one, _ in assets.values()],
    }
    handovers: dict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(_HANDED, wanted).mappings():
        handovers[row["asset_id"]].append(row)
    for said in connection.execute(_SAID, wanted):
        entries[said.entry_id] = said.subject_id
    events: dict[str, list[Event]] = defaultdict(list)
    for event in _events(connection, entries):
        events[entries[event.entry]].append(event)
    found = {}
    for name, (asset, described) in assets.items():
        own = by is not None and (asset.tenant, asset.principal) == (by.tenant, by.principal)
        its = tuple(event for event in events[asset.id] if own or event.kind in PUBLIC_KINDS)
        found[name] = Record(asset, described, own, its, tuple(handovers[asset.id]))
    return found


def _events(connection: Connection, ids: Collection[str]) -> list[Event]:
    """In the order of the log; those that have no place yet, last."""
    rows = connection.execute(_PLACED, {"ids": list(ids)}).scalars() if ids else ()
    placed = [Event(one.id, one.kind, one.time) for one in map(parse_entry, rows)]
    missing = set(ids) - {event.entry for event in placed}
    waiting = still_pending(connection, map(EntryId, missing)) if missing else ()
    return placed + [Event(one.id, one.kind, None) for one in waiting]


def _brought(connection: Connection, rows: Sequence[RowMapping]) -> tuple[Brought, ...]:
    times = {event.entry: event.time for event in _events(connection, [row["entry_id"] for row in rows])}
    return tuple(Brought(row, times.get(row["entry_id"])) for row in rows)
