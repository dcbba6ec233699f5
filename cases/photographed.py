"""The face in somebody's photos: looked at by a worker, compared with those that others registered, made ready to be
stored.

Rules
- A photo is a sealed memfd that nobody here parses: one worker looks at it, and what comes back is a box, how well the
  face can be seen, and an embedding. Embeddings are sealed, or dropped with this object.
- Each photo shows one face, well enough, and all of them one person.
- Who looks like somebody whom another account registered is doubted. A machine decides nothing else of it: not that
  they are the same, nor that they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

from sqlalchemy import Connection

from cases.errors import PhotoNotTakenError, PhotosDifferError
from detection.errors import MatchUnknownError, MediaError, RotationChangedError, Unknown
from detection.faces.found import FACE_MODEL
from detection.faces.look import look
from detection.faces.quality import PhotoRefusedError, judge
from detection.memfd import Memfd
from detection.shares import Workers
from detection.templates.bank import Bank
from detection.templates.matcher import Match, Matcher
from detection.templates.template import Embedding
from detection.templates.thresholds import Band
from identity.registration.errors import OvertakenError
from identity.registration.holds import Doubt, HoldReason
from identity.registration.lookup import Registrations
from identity.registration.registry import Store
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId

MODEL: Final = f"{FACE_MODEL} sha256:{FACE_MODEL.digest}"
"""By which faces are described, on record with each."""

PATIENCE: Final = 3
"""How often it is asked again while the index of faces is behind: each waits for two seconds."""

SAME_PERSON: Final = 0.45
"""Cosine that photos of one person reach, however different the days: .594 at least on the small sets that were
measured, where two people reached .357 at most, and look-alikes .494 (docs/limitations.md). What it lets through by
mistake widens whom a registration finds, for whoever sent the photos."""


@dataclass(frozen=True)
class PhotographedFace:
    """One face, as the registry protects it (`identity.registration.registry.Protection`)."""

    tenant: TenantId
    account: SubjectId
    """Who registers it."""

    photos: Sequence[Memfd]
    workers: Workers
    matcher: Matcher
    bank: Bank
    registrations: Registrations

    @cached_property
    def embeddings(self) -> tuple[Embedding, ...]:
        """One a photo, of one person. Raises PhotoNotTakenError, PhotosDifferError, SandboxError."""
        found = []
        for number, photo in enumerate(self.photos, 1):
            try:
                found.append(judge(look(self.workers, photo)).embedding)
            except PhotoRefusedError as error:
                raise PhotoNotTakenError(number, error.reason, str(error)) from error
            except MediaError as error:
                raise PhotoNotTakenError(number, error.code, str(error)) from error
        require_one_person(found)
        return tuple(found)

    def doubts(self) -> list[Doubt]:
        """Whom it resembles that another account registered. Raises MatchUnknownError, and as `embeddings`."""
        matched = self._matched()
        holders = self.registrations.holders(self.tenant, [match.owner for match in matched])
        others = [one for one in matched if holders.get(one.owner, self.account) != self.account]
        alike = tuple(one.owner for one in others if one.band is Band.POSSIBLE)
        same = tuple(one.owner for one in others if one.band is not Band.POSSIBLE)
        found = ((HoldReason.CONFLICT, same), (HoldReason.LOOK_ALIKE, alike))
        return [Doubt(reason, ids) for reason, ids in found if ids]

    def prepared(self, subject: Subject) -> Store:
        """Its templates and embeddings, sealed. Raises KeyStoreUnavailableError."""
        prepared = self.bank.prepared(subject, self.embeddings)

        def store(connection: Connection) -> None:
            try:
                self.bank.insert(connection, prepared)
            except RotationChangedError as error:
                raise OvertakenError from error

        return store

    def _matched(self) -> Sequence[Match]:
        """Whoever registers can wait while the index catches up."""
        for _ in range(PATIENCE):
            try:
                return self.matcher.match(self.tenant, self.embeddings).matches
            except MatchUnknownError as error:
                if error.reason is not Unknown.INDEX:
                    raise
        return self.matcher.match(self.tenant, self.embeddings).matches


def require_one_person(embeddings: Sequence[Embedding]) -> None:
    """Raises PhotosDifferError for two photos that are too different."""
    for (one, left), (other, right) in combinations(enumerate(embeddings, 1), 2):
        if sum(a * b for a, b in zip(left, right, strict=True)) < SAME_PERSON:
            raise PhotosDifferError(one, other)
