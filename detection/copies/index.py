"""Each tenant's fingerprints in memory, following the rows by the number of changes (`detection.near.tenants`), and
searched exactly.

A row's eight forms have its one number, and whose it is, the database says: of a row that is gone meanwhile, nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import select

from detection.copies.bank import FORM, PictureBank
from detection.copies.fingerprint import REACH, Bits
from detection.copies.tables import PictureBankRow
from detection.near.follower import Changes, Kind
from detection.near.generation import Generation
from detection.near.tenants import TenantIndexes, unknown
from ledger.ids import SubjectId, TenantId
from ledger.storage.database import Database

MAX_PROBES: Final = 4096
"""Hashes of one call: more frames than a film has."""


@dataclass(frozen=True)
class _Pictures:
    """A tenant's rows of the bank."""

    bank: PictureBank
    tenant: TenantId
    what = "pictures"

    def counted(self) -> int:
        return self.bank.counted(self.tenant)

    def changes(self, since: int, limit: int) -> Changes:
        return self.bank.changes(self.tenant, since, limit)

    def generation(self, kind: Kind) -> Generation:
        _, width = kind
        return Generation(width, width // 2)

    def emptied(self) -> None:
        """Nothing else is kept of them."""


class PictureIndex(TenantIndexes):
    """Of pictures."""

    def __init__(
        self, database: Database, bank: PictureBank, tell: Callable[[str], object] = lambda _reason: None
    ) -> None:
        """As `TenantIndexes`."""
        super().__init__("pictures", database, _COUNTS, partial(_Pictures, bank), tell)
        self._bank = bank

    def match(self, tenant: TenantId, probes: Bits) -> list[SubjectId]:
        """Whose pictures these are near copies of, in order. Raises MatchUnknownError."""
        if len(probes) > MAX_PROBES:
            raise ValueError(f"{len(probes)} hashes at once, at most {MAX_PROBES}")
        with unknown("pictures"):
            forms = self.current(tenant).generations.get(FORM)
            if forms is None or not len(probes):
                return []
            near, _ = forms.near(probes, REACH)
            return sorted(self._bank.owners(tenant, set(near.tolist())))


_COUNTS: Final = select(PictureBankRow.tenant_id, PictureBankRow.changes)
