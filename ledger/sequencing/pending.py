"""Entries without a place yet: left by units of work, taken by whoever gives them one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ARRAY, Connection, Insert, LargeBinary, String, bindparam, column, delete, func, insert, select

from ledger.ids import EntryId
from ledger.payload import SealedDraft
from ledger.sequencing.chain import Unplaced
from ledger.storage.tables import Payload, Pending

_FIELDS = ("id", "kind", "policy", "commit", "actor")
_LEFT = {name: String() for name in (*_FIELDS, "tenant", "subject")} | {"sealed": LargeBinary()}


def _leaving() -> Insert:
    arrays = [bindparam(name, type_=ARRAY(type_)) for name, type_ in _LEFT.items()]
    columns = [column(name, type_) for name, type_ in _LEFT.items()]
    left = func.unnest(*arrays).table_valued(*columns, with_ordinality="nth").render_derived()
    bound = select(left.c.id, left.c.tenant, left.c.subject, left.c.kind, left.c.sealed)
    payloads = insert(Payload).from_select(["entry_id", "tenant_id", "subject_id", "kind", "sealed"], bound)
    entries = select(*(left.c[name] for name in _FIELDS)).order_by(left.c.nth)
    return insert(Pending).from_select(_FIELDS, entries).add_cte(payloads.cte("payloads"))


_LEAVE = _leaving()


def leave(connection: Connection, drafts: Sequence[SealedDraft]) -> None:
    """Leave these, in their order, and what they bind: one statement, however many they are."""
    connection.execute(_LEAVE, {name: [getattr(draft, name) for draft in drafts] for name in _LEFT})


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


def recorded(connection: Connection, entries: Iterable[EntryId]) -> set[EntryId]:
    """Those of these that are durable already, placed or not: a payload's row stays for ever."""
    return set(connection.execute(select(Payload.entry_id).where(Payload.entry_id.in_(list(entries)))).scalars())
