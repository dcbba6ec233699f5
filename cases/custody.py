"""Chain of custody from rows: the asset, its parents one by one, and what happened to each.

A parent of another tenant, or one signed elsewhere, is named by its manifest label and verdict alone. An erased
parent stays in the chain as a tombstone. The graph over ingredients that C2PA carries comes with a later slice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from cases.access import Caller
from cases.asset import Asset, AssetId
from cases.decisions import ParentFinding
from cases.errors import AssetNotFoundError
from cases.library import Library
from ledger.entry import parse_entry
from ledger.ids import EntryId
from ledger.sequencing.pending import still_pending
from ledger.storage.tables import Entry, Payload

MAX_DEPTH = 100
"""Ancestors followed at most."""


@dataclass(frozen=True)
class Event:
    """One ledger entry about an asset."""

    entry: EntryId
    kind: str
    time: str | None
    """None for the moment in which the entry is durable without a place in the log."""


@dataclass(frozen=True)
class Link:
    """One asset of the chain; of one that was erased, what described it is None."""

    asset: AssetId
    state: str
    title: str | None
    sha256: str | None
    """Of the signed file."""

    manifest: str | None
    events: tuple[Event, ...]
    parent: ParentFinding | None
    """What the file arrived with; None for an original."""


@dataclass(frozen=True)
class Custody:
    """The chain, newest first."""

    links: tuple[Link, ...]


def custody_of(library: Library, caller: Caller, asset: AssetId) -> Custody:
    """The chain of one of the caller's assets. Raises AssetNotFoundError."""
    links: list[Link] = []
    current: Asset | None = library.find(caller, asset)
    while current is not None and len(links) < MAX_DEPTH:
        with library.database.read(caller.tenant) as connection:
            links.append(_link(connection, current))
        current = _parent(library, caller, current)
    return Custody(tuple(links))


def _parent(library: Library, caller: Caller, asset: Asset) -> Asset | None:
    """The parent, if this caller may see it; a colleague's stays a label in its child."""
    if asset.parent is None:
        return None
    try:
        return library.find(caller, asset.parent)
    except AssetNotFoundError:
        return None


def _link(connection: Connection, asset: Asset) -> Link:
    details = asset.details
    return Link(
        asset.id,
        asset.state,
        details.title if details else None,
        details.signed_sha256 if details else None,
        asset.manifest_label,
        _events(connection, asset),
        details.parent if details else None,
    )


def _events(connection: Connection, asset: Asset) -> tuple[Event, ...]:
    wanted = [asset.entry, *([asset.ended_entry] if asset.ended_entry else [])]
    mine = select(Payload.entry_id).where(Payload.tenant_id == asset.tenant, Payload.subject_id == str(asset.id))
    ids = {*wanted, *connection.execute(mine).scalars()}
    rows = connection.execute(select(Entry.data).where(Entry.id.in_(ids)).order_by(Entry.index))
    placed = [parse_entry(data) for data in rows.scalars()]
    events = [Event(entry.id, entry.kind, entry.time) for entry in placed]
    if len(events) < len(ids):
        events += [Event(entry.id, entry.kind, None) for entry in still_pending(connection, ids)]
    return tuple(events)
