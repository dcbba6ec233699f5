"""Whose registered picture a file may be a near copy of: a signal for its owner's log, and no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cases.errors import LikenessUnknownError
from cases.likeness.matching import Matching, Sighted
from cases.likeness.use import Use
from cases.pictures import Pictures
from detection.errors import MatchUnknownError
from detection.examination import FrameHash
from ledger.ids import TenantId


@dataclass(frozen=True)
class Copies:
    """Looks among registered pictures. Safe to call from many threads."""

    matching: Matching
    pictures: Pictures

    def of(self, tenant: TenantId, frames: Sequence[FrameHash], use: Use) -> tuple[Sighted, ...]:
        """Whose they may be, and what they say to it. Raises LikenessUnknownError, DatabaseUnavailableError."""
        try:
            owners = self.pictures.copied(tenant, frames)
        except MatchUnknownError as error:
            raise LikenessUnknownError(error.reason, str(error)) from error
        return self.matching.copied(tenant, owners, use) if owners else ()
