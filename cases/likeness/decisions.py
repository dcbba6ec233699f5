"""The kinds of entry this room records.

A match is no entry: one beside that of a check would tell whoever asked, in public, whether a refusal is a person's or
the policy's (ADR 0023). What a person answers to a match is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind

CHECK_POLICY: Final = "likeness.check@1"
HOLD_POLICY: Final = "likeness.hold@1"
LOG_POLICY: Final = "likeness.log@1"


@dataclass(frozen=True)
class LikenessChecked:
    """A tool asked before generating, and was answered. Sealed under the tenant's system subject; names nobody."""

    check: str
    tool: str
    purpose: str
    place: str
    commitment: str
    """HMAC-SHA256 of the picture under a salt that only the tool has, hex."""

    answer: str
    reasons: tuple[str, ...]
    thresholds: str
    model: str


@dataclass(frozen=True)
class AssetHeld:
    """A signed upload is not given out. Sealed under the asset."""

    asset: str
    reason: str
    because: tuple[str, ...]
    """Why it counts as made or altered."""

    unknown: str
    """Why it could not be looked at; empty where it was."""

    holds: tuple[str, ...]
    found: str
    """`upload`, or `later`."""

    thresholds: str
    model: str


@dataclass(frozen=True)
class AssetReleased:
    """A held asset is given out from now on. Sealed under the asset."""

    asset: str
    by: str
    """`registrant`, `reviewer`, `withdrawal`, or `check`: it was looked at, and shows nobody who refuses."""

    reason: str


@dataclass(frozen=True)
class AssetRefused:
    """A held asset stays held until its retention ends. Sealed under the asset."""

    asset: str
    by: str
    reason: str


@dataclass(frozen=True)
class AssetAppealed:
    """The uploader objects to a hold. Sealed under the asset."""

    asset: str
    statement: str


@dataclass(frozen=True)
class MatchAnswered:
    """A registered person answered to a line of their log. Sealed under the registration."""

    registration: str
    match: str
    response: str
    decision: str
    """The entry of what was decided then."""


CHECKED: Final = Kind("likeness.checked", LikenessChecked, {"outcome": ("answer",), "model": ("model",)})
HELD: Final = Kind("asset.held", AssetHeld, {"outcome": ("reason",), "model": ("model",)})
RELEASED: Final = Kind("asset.released", AssetReleased)
REFUSED: Final = Kind("asset.refused", AssetRefused)
APPEALED: Final = Kind("asset.appealed", AssetAppealed)
CONFIRMED: Final = Kind("likeness.confirmed", MatchAnswered)
OBJECTED: Final = Kind("likeness.objected", MatchAnswered)

KINDS: Final = (CHECKED, HELD, RELEASED, REFUSED, APPEALED, CONFIRMED, OBJECTED)
