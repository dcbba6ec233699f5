"""Likeness in one service, put together: who looks at files, what is asked of the registry, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.edge.turns import Turns
from api.edge.upload import SharedBudget
from api.parts.faces import FaceDesk
from api.parts.pools import budget, turns
from api.running.log import logger
from api.settings import Settings, Unchecked
from cases.library import Library
from cases.likeness.at_upload import AtUpload
from cases.likeness.checks import Checks
from cases.likeness.consequences import Following
from cases.likeness.copies import Copies
from cases.likeness.hold_rows import end_holds
from cases.likeness.holds import LikenessHolds
from cases.likeness.lines import end_lines
from cases.likeness.log import MatchLog
from cases.likeness.matching import Matching
from cases.likeness.retroactive import Retroactive, end_rounds
from cases.likeness.tokens import Tokens
from cases.likeness.unfinished import Unfinished
from cases.pictures import Pictures
from identity.issuing.issuer import Issuer
from identity.registration.lookup import Registrations
from identity.registration.rules import Rulebook
from keys.clock import Clock, Entropy


@dataclass(frozen=True)
class Likeness:
    """What the routes call."""

    checks: Checks
    tokens: Tokens
    at_upload: AtUpload
    holds: LikenessHolds
    log: MatchLog
    unfinished: Unfinished
    retroactive: Retroactive
    registrations: Registrations
    turns: Turns
    uploads: SharedBudget


def likeness_of(
    settings: Settings,
    library: Library,
    faces: FaceDesk,
    pictures: Pictures,
    registrations: Registrations,
    rulebook: Rulebook,
    issuer: Callable[[], Issuer],
    clock: Clock,
    entropy: Entropy,
) -> Likeness:
    """All of it over one registry. A person's lines end with the person's key."""
    ledger, database = library.ledger, library.database
    ledger.subjects.on_erase(end_lines)
    ledger.subjects.on_erase(end_holds)
    ledger.subjects.on_erase(end_rounds)
    parts = (faces.workers, faces.matcher, registrations, rulebook)
    matching = Matching(database, ledger.subjects, *parts, settings.place)
    copies = Copies(matching, pictures)
    following = Following(ledger, entropy, settings.likeness_unchecked is Unchecked.HOLD)
    at_upload = AtUpload(ledger, database, matching, copies, following, clock, _tell)
    return Likeness(
        Checks(ledger, database, matching, settings.refused_uses, clock, entropy),
        Tokens(issuer, clock),
        at_upload,
        LikenessHolds(ledger, database, clock, entropy),
        MatchLog(ledger, database, clock),
        Unfinished(library, at_upload, clock),
        Retroactive(library, matching, following, registrations, clock),
        registrations,
        turns(settings.workers),
        budget(settings.upload_bytes),
    )


def _tell(reason: str) -> None:
    logger("likeness").warning("an upload was not compared with registered pictures", reason=reason)
