"""The face in somebody's photos: looked at by a worker, compared with those that others registered, made ready to be
stored.

Rules
- A photo is a sealed memfd that nobody here parses: one worker looks at it, and what comes back is a box, how well the
  face can be seen, and an embedding. Embeddings are sealed, or dropped with this object.
- Each photo shows one face, well enough, and all of them one person.
- Where an account is known by a portrait alone, whoever is in the photos has to be in a portrait that comes with them
  (ADR 0031): nothing is kept of the one that was compared before. It is looked at as the photos are, and dropped.
- Who looks like somebody whom another account registered is doubted. A machine decides nothing else of it: not that
  they are the same, nor that they are not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

from sqlalchemy import Connection

from cases.errors import PhotoNotTakenError, PhotosDifferError, PortraitRefusedError
from detection.errors import MatchUnknownError, MediaError, RotationChangedError, Unknown
from detection.faces.found import FACE_MODEL, Face
from detection.faces.look import look
from detection.faces.quality import PhotoRefusedError, judge
from detection.memfd import Memfd
from detection.shares import Workers
from detection.templates.bank import Bank
from detection.templates.matcher import Match, Matcher
from detection.templates.template import Embedding
from detection.templates.thresholds import Band
from identity.alike import SAME_PICTURE, Alike, likeness
from identity.registration.errors import OvertakenError
from identity.registration.holds import Doubt, HoldReason
from identity.registration.lookup import Registrations
from identity.registration.registry import Store
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId

MODEL: Final = f"{FACE_MODEL} sha256:{FACE_MODEL.digest}"
"""By which faces are described, on record with each."""

PATIENCE: Final = 3
PAUSE: Final = 1.0
"""How often it is asked again while the index of faces is behind, and seconds between: it follows meanwhile, and a
question that is far behind answers at once."""

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
    portrait: Memfd | None = None
    """Of an identity document of theirs."""

    portrait_needed: bool = False
    """Whether nothing else says who they are."""

    @property
    def embeddings(self) -> tuple[Embedding, ...]:
        """One a photo, of one person. Raises PhotoNotTakenError, PhotosDifferError, SandboxError."""
        return tuple(face.embedding for face in self._faces)

    @cached_property
    def _faces(self) -> tuple[Face, ...]:
        found = []
        for number, photo in enumerate(self.photos, 1):
            try:
                found.append(judge(look(self.workers, photo)))
            except PhotoRefusedError as error:
                raise PhotoNotTakenError(number, error.reason, str(error)) from error
            except MediaError as error:
                raise PhotoNotTakenError(number, error.code, str(error)) from error
        require_one_person([face.embedding for face in found])
        return tuple(found)

    def doubts(self) -> list[Doubt]:
        """Whom it resembles that another account registered, and whether it is the person whose account it is.

        Raises MatchUnknownError, PortraitRefusedError, and as `embeddings`.
        """
        matched = self._matched()
        holders = self.registrations.holders(self.tenant, [match.owner for match in matched])
        others = [one for one in matched if holders.get(one.owner, self.account) != self.account]
        alike = tuple(one.owner for one in others if one.band is Band.POSSIBLE)
        same = tuple(one.owner for one in others if one.band is not Band.POSSIBLE)
        found = ((HoldReason.CONFLICT, same), (HoldReason.LOOK_ALIKE, alike))
        return [*(Doubt(reason, ids) for reason, ids in found if ids), *self._doubted]

    @cached_property
    def _doubted(self) -> list[Doubt]:
        """That whoever is in the photos is the account's holder, as far as a portrait is what that rests on."""
        if self.portrait is None:
            return [Doubt(HoldReason.UNCOMPARED)] if self.portrait_needed else []
        portrayed = self._portrayed(self.portrait)
        found = [likeness(portrayed, [face]) for face in self._faces]
        if max(one.cosine for one in found) >= SAME_PICTURE:
            raise PortraitRefusedError("same_picture", "it is one of the photos: send photos besides it")
        return [] if all(one.verdict is Alike.MATCHES for one in found) else [Doubt(HoldReason.PORTRAIT)]

    def _portrayed(self, portrait: Memfd) -> Face:
        try:
            return judge(look(self.workers, portrait))
        except PhotoRefusedError as error:
            raise PortraitRefusedError(error.reason, str(error)) from error
        except MediaError as error:
            raise PortraitRefusedError(error.code, str(error)) from error

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
            time.sleep(PAUSE)
        return self.matcher.match(self.tenant, self.embeddings).matches


def require_one_person(embeddings: Sequence[Embedding]) -> None:
    """Raises PhotosDifferError for two photos that are too different."""
    for (one, left), (other, right) in combinations(enumerate(embeddings, 1), 2):
        if sum(a * b for a, b in zip(left, right, strict=True)) < SAME_PERSON:
            raise PhotosDifferError(one, other)
