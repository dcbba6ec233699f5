"""Each tenant's templates in memory, following the rows by the number of changes.

Rules
- One way in: following. A process that starts, or one that another process's change reaches, reads what changed since
  the change that it knows, in batches; of several processes on one database each does so for itself.
- Whoever searches sees the database's own number first: an index that is not up to it says so, and is not searched.
- A row that gets another template (another rotation) is added there before it is dropped here, and generations are
  searched from the oldest rotation on: whoever searches meanwhile finds it.
- What was removed is wiped as soon as it is followed: within a second, and before the next search in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np
from sqlalchemy import select

from detection.errors import MatchUnknownError, Unknown
from detection.templates.bank import REMEMBERED, Bank, Changed, Changes
from detection.templates.generation import Generation
from detection.templates.rotation import Matrix
from detection.templates.tables import FaceBank
from keys.errors import KeysError
from ledger.errors import LedgerError
from ledger.ids import TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

BATCH: Final = 20_000
"""Rows that are read at once while an index is built: a fifth of a second."""

AT_ONCE: Final = 10_000
"""Changes that a search catches up with itself, within a fifth of a second; with more it is left to the follower, and
unknown meanwhile."""

PATIENCE: Final = 2.0
"""Seconds a search waits for another thread that is following."""

INTERVAL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0
"""After a round that failed."""


@dataclass
class TenantIndex:
    """One tenant's templates, up to a change."""

    known: int = 0
    generations: dict[tuple[int, str], Generation] = field(default_factory=dict)
    """By rotation and face model. Replaced whole, so that whoever goes through it is not disturbed."""

    def of(self, model: str) -> Sequence[Generation]:
        """This model's templates, those under the oldest rotation first."""
        return [self.generations[kind] for kind in sorted(self.generations) if kind[1] == model]

    def of_others(self, model: str) -> int:
        """How many templates are another model's."""
        return sum(len(one) for (_, made_by), one in self.generations.items() if made_by != model)

    def apply(self, changes: Changes, rotation_of: Callable[[int, str], Matrix | None]) -> None:
        """Add, then drop, then say how far it is."""
        for kind, found in groupby(sorted(changes.rows, key=_kind), _kind):
            if kind not in self.generations:
                self.generations = self.generations | {kind: Generation(rotation_of(*kind))}
            self._put(kind, list(found))
        if changes.removed:
            for generation in self.generations.values():
                generation.drop(np.asarray(changes.removed, dtype=np.int64))
        self.known = changes.upto

    def without_empty(self) -> bool:
        """Let go of generations that have no templates any more; whether there were any."""
        left = {kind: one for kind, one in self.generations.items() if len(one)}
        emptied = len(left) < len(self.generations)
        self.generations = left
        return emptied

    def _put(self, kind: tuple[int, str], rows: Sequence[Changed]) -> None:
        moved = np.asarray([one.row for one in rows if one.row <= self.known], dtype=np.int64)
        self.generations[kind].put([one.row for one in rows], [one.template for one in rows])
        for other, generation in self.generations.items():
            if other != kind and len(moved):
                generation.drop(moved)


class TemplateIndex:
    """The indexes of every tenant in this process. Safe to call from many threads; `start` it and `close` it."""

    def __init__(self, database: Database, bank: Bank, tell: Callable[[str], object] = lambda _reason: None) -> None:
        """`tell` is told when following fails, and with an empty text when it goes well again."""
        self._database, self._bank, self._tell = database, bank, tell
        self._guard = threading.Lock()
        self._tenants: dict[TenantId, TenantIndex] = {}
        """Guarded by `_guard`, as is the next."""

        self._turns: dict[TenantId, threading.Lock] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="templates", daemon=True)
        self.reason = ""
        """Why some tenant's index does not follow; empty while all do."""

    def start(self) -> None:
        """Begin to follow, which builds what there is."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join()

    def current(self, tenant: TenantId) -> TenantIndex:
        """The tenant's index, as new as its database was when this was called.

        Raises MatchUnknownError when it is not, KeyStoreUnavailableError, SealBrokenError, DatabaseUnavailableError.
        """
        counted = self._bank.counted(tenant)
        found = self._of(tenant)
        if found.known == counted:
            return found
        if abs(counted - found.known) > AT_ONCE:
            raise MatchUnknownError(
                Unknown.INDEX,
                f"the index of faces has {found.known} of {counted} changes: it is being built, ask again in a moment",
            )
        return self.follow(tenant, PATIENCE)

    def follow(self, tenant: TenantId, patience: float = -1) -> TenantIndex:
        """Bring the tenant's index up to its database. Call it after a removal, so that nothing of it stays here.

        Raises as `current`.
        """
        turn = self._turn(tenant)
        if not turn.acquire(timeout=patience):
            raise MatchUnknownError(Unknown.INDEX, "the index of faces is catching up: ask again in a moment")
        try:
            return self._followed(tenant)
        finally:
            turn.release()

    def _followed(self, tenant: TenantId) -> TenantIndex:
        found = self._of(tenant)
        since = found.known  # removals after this one are still to be had
        while True:
            changes = self._bank.changes(tenant, found.known, BATCH)
            since = since or changes.counted  # an index that begins has nothing to remove from before
            if changes.counted < found.known or since < changes.counted - REMEMBERED:
                # An older database than it was, or too much was missed. Swapped once it is whole: until then the old
                # one only says that it is old.
                found, since = TenantIndex(), 0
                continue
            found.apply(changes, partial(self._rotation, tenant))
            if found.known >= changes.counted:
                break
            if self._stop.is_set():
                raise MatchUnknownError(Unknown.INDEX, "the service is closing")
        if found.without_empty():
            self._bank.rotations.forget()
        with self._guard:
            self._tenants[tenant] = found
        return found

    def _rotation(self, tenant: TenantId, version: int, model: str) -> Matrix | None:
        ours = self._bank.model
        return self._bank.rotations.matrix(tenant, version, ours.dimensions) if model == ours.name else None

    def _of(self, tenant: TenantId) -> TenantIndex:
        with self._guard:
            return self._tenants.setdefault(tenant, TenantIndex())

    def _turn(self, tenant: TenantId) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(tenant, threading.Lock())

    def _run(self) -> None:
        while not self._stop.is_set():
            reason = self._round()
            if reason != self.reason:
                self._tell(reason)
            self.reason = reason
            self._stop.wait(RETRY_SECONDS if reason else INTERVAL_SECONDS)

    def _round(self) -> str:
        reason = ""
        try:
            with self._database.read(SystemSession.MATCHING) as connection:
                counts = connection.execute(select(FaceBank.tenant_id, FaceBank.changes)).all()
        except LedgerError as error:
            return str(error)
        for tenant, counted in counts:
            if self._of(tenant).known != counted:
                try:
                    self.follow(tenant)
                except (KeysError, LedgerError, MatchUnknownError) as error:
                    reason = reason or str(error)
                except Exception as error:  # noqa: BLE001 -- a defect of ours must not end the thread in silence
                    reason = reason or f"the fault is ours: {type(error).__name__}"
        return reason


def _kind(row: Changed) -> tuple[int, str]:
    return row.rotation, row.model
