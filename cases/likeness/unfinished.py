"""Assets that nobody could look at when they came: looked at again, ever less often, until somebody can or they end.

What was held for want of a look is given out once it is looked at and shows nobody who refuses. After TRIES a file is
left to a reviewer: it is the file, not the hour, that cannot be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, func, select, update

from cases.asset import AssetId, AssetState, HeldFor, find_row, subject_id
from cases.errors import CasesError
from cases.library import Library
from cases.likeness.at_upload import AtUpload
from cases.likeness.consequences import FIRST_TRY, Arrival, Consequences, open_waiting
from cases.likeness.decisions import HOLD_POLICY, RELEASED, AssetReleased
from cases.likeness.findings import Circumstances, Finding
from cases.likeness.hold_rows import drop, drop_unchecked, give_out, holds_of
from cases.likeness.tables import UncheckedRow
from detection.memfd import Memfd
from keys.clock import Clock
from keys.errors import SealBrokenError
from ledger.errors import BlobError, SubjectErasedError
from ledger.ids import TenantId, milliseconds
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

AT_ONCE: Final = 10
"""Assets of one round."""

TRIES: Final = 12
"""Half a minute after the upload, then after a minute, two, four …: the last after a day and a half."""

HOLDER: Final = "unfinished"
"""Whose share of workers it is."""


@dataclass(frozen=True)
class Unfinished:
    """What housekeeping goes through."""

    library: Library
    at_upload: AtUpload
    clock: Clock

    def waiting(self) -> int:
        """How many assets wait for somebody to look, of all tenants together. Raises DatabaseUnavailableError."""
        with self.library.database.read(SystemSession.MATCHING) as connection:
            return connection.execute(select(func.count(UncheckedRow.asset_id))).scalar_one()

    def round(self) -> int:
        """Look at those that are due; how many were. Raises KeyStoreUnavailableError, DatabaseUnavailableError."""
        due = select(UncheckedRow.__table__).where(UncheckedRow.next_at <= self._now())
        with self.library.database.read(SystemSession.SWEEP) as connection:
            rows = connection.execute(due.order_by(UncheckedRow.next_at).limit(AT_ONCE)).mappings().all()
        for row in rows:
            self._again(TenantId(row["tenant_id"]), AssetId(row["asset_id"]), row)
        return len(rows)

    def _again(self, tenant: TenantId, asset: AssetId, row: RowMapping) -> None:
        try:
            subject = self.library.ledger.subjects.open(tenant, subject_id(asset))
        except SubjectErasedError:
            return  # and its row with it
        try:
            waiting = open_waiting(subject, row["sealed"])
        except SealBrokenError:  # a damaged row keeps nobody else waiting
            self._later(tenant, asset, row["tries"] + 1)
            return
        finding = self._look(tenant, asset, waiting.circumstances)
        if finding.unknown:
            self._later(tenant, asset, row["tries"] + 1)
            return
        actor = self.library.ledger.system_principal(tenant)
        arrival = Arrival(subject, waiting.decided, waiting.asker, actor, "later")
        self._settle(tenant, asset, self.at_upload.following.of(finding, arrival, self._now()), arrival)

    def _look(self, tenant: TenantId, asset: AssetId, circumstances: Circumstances) -> Finding:
        """What is found of it now; unknown where its media cannot be had."""
        try:
            with self._file(tenant, asset) as (file, mime):
                return self.at_upload.look(HOLDER, tenant, file, mime, circumstances)
        except (BlobError, CasesError) as error:
            return Finding(circumstances, None, type(error).__name__)

    @contextmanager
    def _file(self, tenant: TenantId, asset: AssetId) -> Iterator[tuple[Memfd, str]]:
        kept = self.library.opened(tenant, asset)
        mime = kept.details.upload.mime if kept.details else ""
        with Memfd.of(self.library.kept(kept)) as file:
            yield file, mime

    def _settle(self, tenant: TenantId, asset: AssetId, follows: Consequences, arrival: Arrival) -> None:
        """What it shows decides from now on, and not that nobody had looked."""
        said = AssetReleased(asset, "check", "")
        released = self.library.ledger.draft(RELEASED.name, HOLD_POLICY, arrival.actor, arrival.asset, said)

        def work(connection: Connection) -> Sequence[Draft]:
            if not drop_unchecked(connection, tenant, asset):
                return []  # it ended, or another process looked
            rows = holds_of(connection, tenant, asset)
            unseen = [row["id"] for row in rows if row["reason"] == HeldFor.UNCHECKED and row["refused_at"] is None]
            drop(connection, tenant, asset, unseen)
            drafts = list(follows.write(connection))
            held = find_row(connection, tenant, asset)["state"] == AssetState.HELD
            if held and give_out(connection, tenant, asset):
                drafts.append(released)
            return drafts

        self.library.ledger.record(work, tenant)

    def _later(self, tenant: TenantId, asset: AssetId, tries: int) -> None:
        mine = (UncheckedRow.tenant_id == tenant, UncheckedRow.asset_id == asset)
        wait = (FIRST_TRY // timedelta(milliseconds=1)) * 2**tries
        again = update(UncheckedRow).where(*mine).values(tries=tries, next_at=self._now() + wait)
        self.library.database.write(
            lambda connection: (
                drop_unchecked(connection, tenant, asset) if tries >= TRIES else connection.execute(again)
            )
        )

    def _now(self) -> int:
        return milliseconds(self.clock())
