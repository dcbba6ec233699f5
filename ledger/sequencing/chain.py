"""The chain: what each entry gets from the one before, whoever appends it.

Index, `time` (never behind the entry before, though the clock jump back) and `prev` are given here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from ledger.entry import FIRST_PREV, Entry, entry_milliseconds, format_time, parse_entry
from ledger.errors import DatabaseUnavailableError, EntryMalformedError
from ledger.ids import EntryId
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tables import stored_bytes
from ledger.tree.merkle import leaf_hash
from ledger.tree.tile_store import integrated_size

MEND: Final = "put the newest database back; `sigillo ledger verify` tells more"

_LAST = select(EntryRow.index, stored_bytes(EntryRow.data)).order_by(EntryRow.index.desc()).limit(1)


@dataclass(frozen=True)
class Unplaced:
    """An entry before it has its place. `commit` and `actor` are 64 hex digits."""

    id: EntryId
    kind: str
    policy: str
    commit: str
    actor: str


@dataclass(frozen=True)
class Head:
    """Where the log ends."""

    size: int = 0
    time: int = 0
    prev: str = FIRST_PREV


def read_head(connection: Connection) -> Head:
    """The log's end as this transaction sees it. Raises DatabaseUnavailableError where nothing can follow it."""
    # The tree first: what it has was an entry before.
    size = integrated_size(connection)
    last = connection.execute(_LAST).one_or_none()
    index, data = last or (-1, b"")
    if index + 1 < size:
        raise DatabaseUnavailableError(
            f"entries are missing: the tree has {size}, and only {index + 1} are here: {MEND}"
        )
    if last is None:
        return Head()
    try:
        return Head(index + 1, entry_milliseconds(parse_entry(data)), leaf_hash(data).hex())
    except EntryMalformedError as error:
        raise DatabaseUnavailableError(f"the last entry, {index}, was changed ({error}): {MEND}") from error


def chained(head: Head, entries: Iterable[Unplaced], now: int) -> tuple[Head, list[tuple[int, EntryId, bytes]]]:
    """The rows (index, id, data) of the entries that follow `head` at `now` (Unix milliseconds), and the new head."""
    rows = []
    for each in entries:
        time = max(head.time, now)
        entry = Entry(each.id, each.kind, format_time(time), each.policy, each.commit, each.actor, head.prev)
        data = entry.encode()
        rows.append((head.size, each.id, data))
        head = Head(head.size + 1, time, leaf_hash(data).hex())
    return head, rows
