"""What was found of an upload, and why it counts as made or altered.

Rules
- *Made or altered* is what the file or its sender says (digital source types, of its whole history; a model), or what
  a history that does not hold gives away. Nothing here judges pixels.
- A genuine photograph, as far as anybody says, is never held: a refusal to be imitated bans nobody's photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cases.likeness.matching import Looked, Sighted
from cases.likeness.use import Use
from provenance.report import History
from provenance.request import ClaimRequest
from provenance.verdict import Verdict
from provenance.vocabulary import IMITATING

BROKEN: Final = frozenset({Verdict.INVALID, Verdict.UNREADABLE})


@dataclass(frozen=True)
class Circumstances:
    """What is known of an upload beside what it shows."""

    use: Use
    place: str
    """Where it is from, as its sender says: ISO 3166-1 or -2; empty where nobody does."""

    because: tuple[str, ...]
    """Why it counts as made or altered; empty of a genuine photograph."""


UNKNOWN_CIRCUMSTANCES: Final = Circumstances(Use.UNSAID, "", ())
"""Of what was kept before any were: it counts as a genuine photograph."""


@dataclass(frozen=True)
class Finding:
    """An upload that was looked at, or could not be."""

    circumstances: Circumstances
    looked: Looked | None
    unknown: str = ""
    """Why it could not be looked at; empty where it was, or where its sender has asked too often."""

    copies: tuple[Sighted, ...] = ()
    """Whose registered pictures it may be a near copy of."""


def because(claim: ClaimRequest, history: History) -> tuple[str, ...]:
    """Why a file counts as made or altered: codes, the declared ones first."""
    declared = {action.source_type for action in claim.actions if action.source_type in IMITATING}
    inherited = IMITATING.intersection(history.source_types)
    return (
        *sorted(f"declared.{_short(kind)}" for kind in declared if kind),
        *(["declared.model"] if claim.model else []),
        *sorted(f"history.{_short(kind)}" for kind in inherited),
        *([f"provenance.{history.verdict}"] if history.verdict in BROKEN else []),
        *([f"ancestry.{history.ancestry}"] if history.ancestry in BROKEN else []),
    )


def _short(kind: str) -> str:
    return kind.rsplit("/", 1)[-1]
