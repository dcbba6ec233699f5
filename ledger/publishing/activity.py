"""How many entries of each kind a day has: what a chart shows, counted as entries get their place in the log.

Whoever doubts a count has the bundle of that range.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from ledger.storage.tables import KindDay

MAX_DAYS: Final = 366
_THAT_DAY: Final = (KindDay.kind == bindparam("of_kind"), KindDay.day == bindparam("on"))
_COUNTED: Final = select(KindDay.entries).where(*_THAT_DAY)
_ADD: Final = update(KindDay).where(*_THAT_DAY).values(entries=KindDay.entries + bindparam("more"))
_DAY: Final = re.compile(rb'"kind":"([^"]+)".*"time":"([0-9]{4}-[0-9]{2}-[0-9]{2})T')
"""Canonical members are sorted: the kind comes before the time."""


@dataclass(frozen=True)
class KindActivity:
    """One kind's entries, a number for each day of the span."""

    kind: str
    entries: tuple[int, ...]

    @property
    def total(self) -> int:
        """Of all days."""
        return sum(self.entries)


@dataclass(frozen=True)
class Activity:
    """Days in UTC, and every kind that has an entry in them, the most frequent first."""

    days: tuple[date, ...]
    kinds: tuple[KindActivity, ...]


def store_days(connection: Connection, entries: Iterable[bytes]) -> None:
    """Count entries that now have their place; those that are no entries are `ledger.audit`'s to find."""
    counts = Counter(found.groups() for data in entries if (found := _DAY.search(data)))
    for (kind, day), count in sorted(counts.items()):
        at = {"of_kind": kind.decode(), "on": day.decode()}
        if connection.execute(_COUNTED, at).scalar() is None:
            row = {"kind": at["of_kind"], "day": at["on"], "entries": count}
            connection.execute(insert(KindDay), row)
        else:
            connection.execute(_ADD, at | {"more": count})


def activity(connection: Connection, until: date, days: int) -> Activity:
    """The `days` days that end with `until`."""
    span = tuple(until - timedelta(days=days - 1 - n) for n in range(days))
    place = {str(day): n for n, day in enumerate(span)}
    counts: dict[str, list[int]] = {}
    within = select(KindDay).where(KindDay.day >= str(span[0]), KindDay.day <= str(span[-1]))
    for row in connection.execute(within.with_only_columns(KindDay.kind, KindDay.day, KindDay.entries)):
        counts.setdefault(row.kind, [0] * days)[place[row.day]] = row.entries
    return Activity(span, _ranked(counts.items()))


def _ranked(counts: Iterable[tuple[str, Sequence[int]]]) -> tuple[KindActivity, ...]:
    found = (KindActivity(kind, tuple(entries)) for kind, entries in counts)
    return tuple(sorted(found, key=lambda one: (-one.total, one.kind)))
