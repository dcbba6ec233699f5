"""Entries without a place yet: left by units of work, taken by whoever gives them one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, insert, select

from ledger.ids import EntryId
from ledger.sequencing.chain import Unplaced
from ledger.storage.tables import Payload, Pending

_FIELDS = ("id", "kind", "policy", "commit", "actor")


def leave(connection: Connection, entries: Iterable[Unplaced]) -> None:
    """Leave these, in their order."""
    rows = [{name: getattr(entry, name) for name in _FIELDS} for entry in entries]
    connection.execute(insert(Pending), rows)


def take(connection: Connection, limit: int) -> Sequence[Unplaced]:
    """The first `limit`, in the order they were left. Nobody else may be taking: none is skipped, or a caller's
    second entry could come before the first.
    """
    first = select(Pending.seq).order_by(Pending.seq).limit(limit).scalar_subquery()
    columns = [Pending.seq, *(getattr(Pending, name) for name in _FIELDS)]
    rows = connection.execute(delete(Pending).where(Pending.seq.in_(first)).returning(*columns)).all()
    return [Unplaced(*row[1:]) for row in sorted(rows)]


def waiting(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(select(func.count(Pending.seq))).scalar_one()


def still_pending(connection: Connection, entries: Iterable[EntryId]) -> Sequence[Unplaced]:
    """Those of these that wait, in their order."""
    columns = [getattr(Pending, name) for name in _FIELDS]
    rows = connection.execute(select(*columns).where(Pending.id.in_(list(entries))).order_by(Pending.seq))
    return [Unplaced(*row) for row in rows]


def are_recorded(connection: Connection, entries: Iterable[EntryId]) -> bool:
    """Whether any of these is durable already, placed or not: its payload's row stays for ever."""
    found = select(Payload.entry_id).where(Payload.entry_id.in_(list(entries))).limit(1)
    return connection.execute(found).scalar() is not None
