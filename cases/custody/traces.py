"""What files that were signed here were found to be, in memory: to validate fifty generations again takes longer than
all else that custody is.

Rules
- What is remembered was found by a validation: of the signed file as it was signed, or of a manifest store of ours when
  somebody asked. Other files leave nothing here.
- It holds for the same bytes, under the same trust (lists, roots, revocations), until time itself may change it
  (`provenance.lasting`). What does not say until when is not remembered.
- Of an erased asset nothing is, nor what was found of it meanwhile: it is forgotten with its key, in other processes
  when KEPT is over.
- By id, what memory has not is asked of the database (`trace_rows`) before anybody looks again.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NewType

from sqlalchemy import Connection

from cases.custody.trace_rows import TraceRows
from keys.clock import Clock
from ledger.ids import SubjectId, TenantId
from provenance.descent import DESCENT, Descent
from provenance.trust import TrustPolicy

KEPT: Final = timedelta(days=1)
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024
"""Compressed: some thousands of long histories, or twenty times as many short ones."""

MAX_ERASED: Final = 10_000
"""Assets that were erased last: more than are while one is looked at."""

Name = NewType("Name", str)
"""What it was found of: `of_file` or `of_store`."""


def of_file(signed_sha256: str) -> Name:
    """A signed file, which carries its manifest."""
    return Name(f"file:{signed_sha256}")


def of_store(asset: str) -> Name:
    """The manifest store of an asset, without its file."""
    return Name(f"store:{asset}")


@dataclass(frozen=True)
class _Kept:
    asset: str
    trust: str
    since: datetime
    until: datetime
    found: bytes


class Traces:
    """Safe to use from many threads: two that look at once find the same."""

    def __init__(self, clock: Clock, rows: TraceRows) -> None:
        self._clock, self.rows = clock, rows
        self._guard = Lock()
        # Under the guard.
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        self._bytes = 0
        self._erased: deque[str] = deque(maxlen=MAX_ERASED)

    def of(self, trust: TrustPolicy, *names: Name) -> Descent | None:
        """What any of these was found to be, if that still holds."""
        now = self._clock()
        with self._guard:
            kept = (self._kept.get(name) for name in names)
            found = next((one for one in kept if one and one.trust == trust.digest and _holds(one, now)), None)
        return DESCENT.validate_json(zlib.decompress(found.found)) if found else None

    def keep(self, name: Name, asset: str, found: Descent) -> None:
        """Remember what an asset was found to be."""
        if found.lasts_until is None:
            return
        now, packed = self._clock(), zlib.compress(DESCENT.dump_json(found), 1)
        kept = _Kept(asset, found.report.trust, now, min(found.lasts_until, now + KEPT), packed)
        with self._guard:
            self._drop(name)
            if asset in self._erased:
                return
            self._kept[name] = kept
            self._bytes += len(packed)
            while self._kept and (self._bytes > MAX_KEPT_BYTES or not _holds(next(iter(self._kept.values())), now)):
                self._drop(next(iter(self._kept)))

    def looked(
        self, trust: TrustPolicy, tenant: TenantId, asset: str, names: tuple[Name, ...], look: Callable[[], Descent]
    ) -> Descent:
        """What any of these names of an asset was found to be, or it by itself, or what `look` finds of the first name.
        Raises what that raises, KeyStoreUnavailableError, DatabaseUnavailableError.
        """
        if (known := self.of(trust, *names)) is not None:
            return known
        found = self.rows.of(tenant, SubjectId(asset), trust)
        if found is None:
            found = look()
            self.rows.keep(tenant, SubjectId(asset), found)
        self.keep(names[0], asset, found)
        return found

    def forget(self, connection: Connection, tenant: TenantId, subject: SubjectId) -> None:
        """Of an asset that is erased (`Subjects.on_erase`)."""
        self.rows.forget(connection, tenant, subject)
        with self._guard:
            self._erased.append(subject)
            for name in [name for name, one in self._kept.items() if one.asset == subject]:
                self._drop(name)

    def _drop(self, name: Name) -> None:
        if (kept := self._kept.pop(name, None)) is not None:
            self._bytes -= len(kept.found)


def _holds(kept: _Kept, now: datetime) -> bool:
    return kept.since <= now < kept.until
