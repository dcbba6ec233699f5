"""The indexes of every tenant over one sort of rows, each following its own (`detection.near.follower`).

A tenant whose rows cannot be opened is tried again, more slowly, and keeps no other waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Select

from detection.errors import MatchUnknownError, Unknown
from detection.near.follower import RETRY_SECONDS, Follower, Index, Rounds, Source
from keys.errors import KeysError, SealBrokenError
from ledger.errors import DatabaseUnavailableError, LedgerError, SubjectErasedError
from ledger.ids import TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession


class TenantIndexes:
    """Those in this process. Safe to call from many threads; `start` it and `close` it."""

    def __init__(
        self,
        name: str,
        database: Database,
        counts: Select[TenantId, int],
        source: Callable[[TenantId], Source],
        tell: Callable[[str], object] = lambda _reason: None,
    ) -> None:
        """`counts`: how often each tenant's rows changed. `tell` is told when following fails, and with an empty text
        when it goes well again.
        """
        self._database, self._counts, self._source, self._tell = database, counts, source, tell
        self._guard = threading.Lock()
        self._tenants: dict[TenantId, Follower] = {}
        """Guarded by `_guard`."""

        self._failing: dict[TenantId, tuple[str, float]] = {}
        """Why a tenant's index does not follow, and when it is tried again (monotonic). The rounds' alone."""

        self.warning = ""
        """Why some do not; empty while all do, or none does."""

        self._stop = threading.Event()
        self._rounds = Rounds(name, self._round, tell, self._stop)

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
            return self._tenants.setdefault(tenant, Follower(self._source(tenant), self._stop))

    def _round(self) -> str:
        """Follow what is behind; why none does."""
        try:
            with self._database.read(SystemSession.MATCHING) as connection:
                counts = dict(connection.execute(self._counts).all())
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


@contextmanager
def unknown(what: str) -> Iterator[None]:
    """What keeps the block from looking, by its name, as MatchUnknownError. `what` is registered, as a sentence names
    it.
    """
    try:
        yield
    except SealBrokenError as error:
        raise MatchUnknownError(
            Unknown.DAMAGED, f"what is stored of registered {what} is not what was stored: an operator must look"
        ) from error
    except (KeysError, SubjectErasedError) as error:
        raise MatchUnknownError(Unknown.KEYS, f"the keys of registered {what} cannot be had now: {error}") from error
    except DatabaseUnavailableError as error:
        raise MatchUnknownError(Unknown.DATABASE, str(error)) from error
