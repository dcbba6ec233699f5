"""Each tenant's templates in memory, following the rows by the number of changes (`detection.near.follower`).

A row that gets another template, under another rotation, goes to that rotation's kind; kinds are searched from the
oldest rotation on. A tenant whose rows cannot be opened is tried again, more slowly, and keeps no other waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from detection.errors import MatchUnknownError
from detection.near.follower import RETRY_SECONDS, Changes, Follower, Index, Kind, Rounds
from detection.near.generation import Generation
from detection.templates.bank import Bank
from detection.templates.tables import FaceBank
from detection.templates.template import TEMPLATE_BYTES
from keys.errors import KeysError
from ledger.errors import LedgerError
from ledger.ids import TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession


@dataclass(frozen=True)
class _Faces:
    """A tenant's rows of the bank."""

    bank: Bank
    tenant: TenantId
    what = "faces"

    def counted(self) -> int:
        return self.bank.counted(self.tenant)

    def changes(self, since: int, limit: int) -> Changes:
        return self.bank.changes(self.tenant, since, limit)

    def generation(self, kind: Kind) -> Generation:
        rotation, model = kind
        ours = self.bank.model
        if model != ours.name:  # nothing is ever compared with these
            return Generation(TEMPLATE_BYTES)
        matrix = self.bank.rotations.matrix(self.tenant, rotation, ours.dimensions)
        return Generation(TEMPLATE_BYTES, rotation=matrix)

    def emptied(self) -> None:
        self.bank.rotations.forget()


class TemplateIndex:
    """The indexes of every tenant in this process. Safe to call from many threads; `start` it and `close` it."""

    def __init__(self, database: Database, bank: Bank, tell: Callable[[str], object] = lambda _reason: None) -> None:
        """`tell` is told when following fails, and with an empty text when it goes well again."""
        self._database, self._bank, self._tell = database, bank, tell
        self._guard = threading.Lock()
        self._tenants: dict[TenantId, Follower] = {}
        """Guarded by `_guard`."""

        self._failing: dict[TenantId, tuple[str, float]] = {}
        """Why a tenant's index does not follow, and when it is tried again (monotonic). The rounds' alone."""

        self.warning = ""
        """Why some do not; empty while all do, or none does."""

        self._stop = threading.Event()
        self._rounds = Rounds("templates", self._round, tell, self._stop)

    @property
    def reason(self) -> str:
        """Why no tenant's index follows; empty while any does."""
        return self._rounds.reason

    def start(self) -> None:
        """Begin to follow, which builds what there is."""
        self._rounds.start()

    def close(self) -> None:
        """Stop following."""
        self._rounds.close()

    def current(self, tenant: TenantId) -> Index:
        """The tenant's index. Raises as `Follower.current`."""
        return self.of(tenant).current()

    def follow(self, tenant: TenantId) -> Index:
        """Bring it up to its database. Raises as `Follower.follow`."""
        return self.of(tenant).follow()

    def of(self, tenant: TenantId) -> Follower:
        """What follows the tenant's rows."""
        with self._guard:
            return self._tenants.setdefault(tenant, Follower(_Faces(self._bank, tenant), self._stop))

    def _round(self) -> str:
        """Follow what is behind; why none does."""
        try:
            with self._database.read(SystemSession.MATCHING) as connection:
                counts = {row.tenant_id: row.changes for row in connection.execute(_COUNTS)}
        except LedgerError as error:
            return str(error)
        self._failing = {tenant: failure for tenant, failure in self._failing.items() if tenant in counts}
        for tenant, counted in counts.items():
            self._try(tenant, counted)
        reasons = [reason for reason, _ in self._failing.values()]
        if reasons and len(reasons) == len(counts):
            self.warning = ""
            return reasons[0]
        self._warn(f"of {len(reasons)} tenants: {reasons[0]}" if reasons else "")
        return ""

    def _warn(self, warning: str) -> None:
        if warning != self.warning:
            self._tell(warning)
        self.warning = warning

    def _try(self, tenant: TenantId, counted: int) -> None:
        if self._failing.get(tenant, ("", 0.0))[1] > time.monotonic():
            return
        reason = self._behind(tenant) if self.of(tenant).index.known != counted else ""
        self._failing.pop(tenant, None)
        if reason:
            self._failing[tenant] = (reason, time.monotonic() + RETRY_SECONDS)

    def _behind(self, tenant: TenantId) -> str:
        """Follow; why it could not."""
        try:
            self.follow(tenant)
        except (KeysError, LedgerError, MatchUnknownError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 -- a defect that one tenant's rows meet is no other tenant's
            return f"the fault is ours: {type(error).__name__}"
        return ""


_COUNTS: Final = select(FaceBank.tenant_id, FaceBank.changes)


def under_any_rotation(index: Index, model: str) -> Sequence[Generation]:
    """This model's templates, those under the oldest rotation first."""
    return [index.generations[kind] for kind in sorted(index.generations) if kind[1] == model]


def of_others(index: Index, model: str) -> int:
    """How many templates are another model's."""
    return sum(len(one) for (_, made_by), one in index.generations.items() if made_by != model)
