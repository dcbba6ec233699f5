"""Each tenant's templates in memory, following the rows by the number of changes (`detection.near.tenants`).

A row that gets another template, under another rotation, goes to that rotation's kind; kinds are searched from the
oldest rotation on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import select

from detection.near.follower import Changes, Index, Kind
from detection.near.generation import Generation
from detection.near.tenants import TenantIndexes
from detection.templates.bank import Bank
from detection.templates.tables import FaceBank
from detection.templates.template import TEMPLATE_BYTES
from ledger.ids import TenantId
from ledger.storage.database import Database

LEAD_BYTES: Final = TEMPLATE_BYTES // 2
LEAD_REACH: Final = 102
"""Bits by which the first half of a template may differ. At a cosine of .55, 80 do on average, and in one of 5,600
pairs more than these, nearly all of which the whole would have in reach (`matcher.REACH`); of random strangers four in
a thousand are left to be compared in whole. The other half of the memory is not read."""


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
        return Generation(TEMPLATE_BYTES, LEAD_BYTES, matrix, LEAD_REACH)

    def emptied(self) -> None:
        self.bank.rotations.forget()


class TemplateIndex(TenantIndexes):
    """Of faces."""

    def __init__(self, database: Database, bank: Bank, tell: Callable[[str], object] = lambda _reason: None) -> None:
        """As `TenantIndexes`."""
        super().__init__("templates", database, _COUNTS, partial(_Faces, bank), tell)


_COUNTS: Final = select(FaceBank.tenant_id, FaceBank.changes)


def under_any_rotation(index: Index, model: str) -> Sequence[Generation]:
    """This model's templates, those under the oldest rotation first."""
    return [index.generations[kind] for kind in sorted(index.generations) if kind[1] == model]


def of_others(index: Index, model: str) -> int:
    """How many templates are another model's."""
    return sum(len(one) for (_, made_by), one in index.generations.items() if made_by != model)
